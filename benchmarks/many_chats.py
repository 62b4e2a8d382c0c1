"""Four and eight chats at once on one model, beside a bare batched loop in the same run."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.bare_batch import CONTEXT, PROMPT
from benchmarks.harness import Figure, take_turns
from benchmarks.subject import find_entry, find_model
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.errors import EngineError
from mistral_tui.types.events import Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest, SamplingParams

TOKENS = 200
"""Of each reply, ours and the bare loop's: a later token has more before it to attend to."""
THREADS = 1
COUNTS = (1, 4, 8)


def bare(chats: int) -> float:
    """Return tokens a second of the bare loop, all chats together."""
    arguments = [str(find_model()), str(THREADS), str(chats), str(TOKENS)]
    command = [sys.executable, "-m", "benchmarks.bare_batch", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return float(done.stdout)


def ours(chats: int) -> float:
    """Return tokens a second of all chats together, while all of them are answered."""
    return asyncio.run(_ours(chats))


async def _ours(chats: int) -> float:
    pool = EnginePool(Path(os.environ["MISTRAL_TUI_STATE_DIR"]) / "logs")
    try:
        options = LoadOptions(n_ctx=CONTEXT, max_seqs=chats, threads=THREADS)
        engine = await pool.acquire(find_entry(), options)
        arrivals = await asyncio.gather(*(_arrivals(engine, chat) for chat in range(chats)))
    finally:
        await pool.close()
    # From the moment when the last chat has begun to the one when the first has ended.
    begin = max(times[0][0] for times in arrivals)
    end = min(times[-1][0] for times in arrivals)
    tokens = sum(count for times in arrivals for when, count in times if begin < when <= end)
    return tokens / (end - begin)


async def _arrivals(engine: Engine, chat: int) -> list[tuple[float, int]]:
    """Return when text of a reply came, and how many tokens it was."""
    sampling = SamplingParams(temperature=0.8, seed=1, max_tokens=TOKENS, ignore_eos=True)
    prompt = Message("user", (TextPart(PROMPT.format(chat)),))
    times = []
    async for event in engine.generate(GenerateRequest((prompt,), sampling, chat_id=str(chat))):
        if isinstance(event, TextDelta):
            times.append((time.perf_counter(), event.tokens))
        if isinstance(event, Finished) and event.reason != "length":
            raise EngineError(event.error or "a reply ended early")
    return times


def run(quick: bool) -> list[Figure]:
    measures: dict[str, Callable[[], float]] = {f"bare {count}": partial(bare, count) for count in COUNTS}
    measures |= {f"ours {count}": partial(ours, count) for count in COUNTS}
    found = take_turns(measures, 1 if quick else 5)
    alone, *_ = COUNTS
    return [
        figure
        for count in COUNTS[1:]
        for figure in (
            Figure(
                f"{count} chats (reference: bare batched loop)",
                found[f"ours {count}"],
                "t/s",
                reference=found[f"bare {count}"],
                budget=0.93,
                sense=">",
                of_ratio=True,
            ),
            Figure(f"{count} chats (reference: one chat)", found[f"ours {count}"], "t/s", found[f"ours {alone}"]),
        )
    ]
