"""A chat of 4,000 tokens (quick: 1,000) opened again by a new worker, and forked while it lives.

Only what is new should be computed. The reference is the same prompt in a worker that has no file of it.
"""

import asyncio
import time
from collections.abc import Iterable

from benchmarks.asking import Reply, answer, loaded, said
from benchmarks.harness import Figure, percentile
from benchmarks.subject import long_text
from mistral_tui.engines.chat_files import chat_files_folder
from mistral_tui.types.messages import Message
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import SamplingParams

OPTIONS = LoadOptions(n_ctx=8192, max_seqs=4)
SECONDS_TO_READ = 1.5
"""Between a reply and a fork of the chat, as with a person: the engine makes room for the next chat meanwhile."""
SAMPLING = SamplingParams(temperature=0.0, max_tokens=8, ignore_eos=True)


def _history(tokens: int) -> tuple[Message, ...]:
    return said("user", f"Remember this:\n\n{long_text(tokens)}"), said("assistant", "I will remember it.")


async def _file_written() -> None:
    """Wait until the chat is in its file: a person comes back later than that."""
    deadline = time.monotonic() + 30
    folder = chat_files_folder()
    while not list(folder.glob("*.kv")) or list(folder.glob("*.part")):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no chat was kept in {folder}")
        await asyncio.sleep(0.1)


async def _measure(quick: bool) -> list[Figure]:
    tokens, rounds = (1000, 1) if quick else (4000, 5)
    history = _history(tokens)
    async with loaded(OPTIONS) as engine:
        await answer(engine, history[:1], SAMPLING, "chat")
        await _file_written()
    reopened = []
    for number in range(rounds):
        async with loaded(OPTIONS) as engine:
            question = said("user", f"Where is the harbour, and who is number {number}?")
            reopened.append(await answer(engine, (*history, question), SAMPLING, "chat"))
    async with loaded(OPTIONS) as engine:
        question = said("user", "Where is the harbour, and who knows it?")
        anew = await answer(engine, (*history, question), SAMPLING, "another chat")
        forks = []
        for number in range(3 * rounds):
            await asyncio.sleep(SECONDS_TO_READ)
            question = said("user", f"Who went out to sea, fork {number}?")
            forks.append(await answer(engine, (*history, question), SAMPLING, f"fork {number}"))
    return [
        Figure(
            f"{tokens:,} tokens reopened, first token (ref.: anew)",
            1000 * _median(reply.usage.time_to_first_token for reply in reopened),
            "ms",
            reference=1000 * anew.usage.time_to_first_token,
            budget=250,
        ),
        Figure(
            "  tokens computed (reference: anew)", _median(map(_computed, reopened)), "tok", reference=_computed(anew)
        ),
        Figure(
            f"a fork of {tokens:,} tokens, before its prefill",
            1000 * _median(reply.prompt_seen for reply in forks),
            "ms",
            budget=20,
        ),
        Figure("  its first token", 1000 * _median(reply.usage.time_to_first_token for reply in forks), "ms"),
        Figure("  tokens computed", _median(map(_computed, forks)), "tok"),
    ]


def _computed(reply: Reply) -> int:
    return reply.usage.prompt_tokens - reply.usage.cached_tokens


def _median(values: Iterable[float]) -> float:
    return percentile(list(values), 50)


def run(quick: bool) -> list[Figure]:
    return asyncio.run(_measure(quick))
