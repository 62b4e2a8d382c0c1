"""Five minutes (quick: 30 seconds) of chats that do anything at random, six at once, on one worker.

They are opened, continued, forked, cancelled, forgotten and overfilled, with grammars, policies, seeds and several
choices. Between rounds a chat by itself must say at temperature 0 what a worker says that keeps nothing. Memory must
stay flat, and when all chats are forgotten, nothing of them may be left.

Where two tokens are nearly as likely, it depends on the place of a chat in the KV cache which of them wins: a text that
parts there is not wrong, and is counted by itself.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import psutil

from benchmarks.asking import Reply, answer, answer_request, loaded, said
from benchmarks.harness import Figure, percentile
from benchmarks.subject import long_text
from mistral_tui.engines.choices import choices
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.types.choices import ContextPolicy
from mistral_tui.types.errors import EngineError
from mistral_tui.types.events import Finished
from mistral_tui.types.messages import Message
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest, Grammar, SamplingParams

AT_ONCE: Final = 6
CONTEXT: Final = 768
OPERATIONS: Final = 4
"""Of each of those in one round."""
LONGEST: Final = 9
"""Messages of a chat before it begins anew, so that those that are compared fit into the context."""
NEARLY: Final = 0.6
"""How much less likely, as a logarithm, a token may be than the one that was said in its place."""
POLICIES: Final[tuple[ContextPolicy, ...]] = ("drop", "shift", "stop")
SYSTEM: Final = said("system", "You answer in a few words.")
QUESTIONS: Final = (
    "What is the capital of Japan?",
    "And of Italy?",
    "Name a fruit.",
    "What colour is the sky? " + "Think about it. " * 8,
    "Count to five.",
    "Tell me a story about a dog. " + "It should be a long one. " * 6,
)
PERSON: Final = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
}
YES_OR_NO: Final = "(yes|no)[.!]"
COMPARED: Final = SamplingParams(temperature=0.0, max_tokens=16, logprobs=True, top_logprobs=20)


@dataclass
class Chats:
    """What was said, by chat, and what went wrong."""

    engine: Engine
    fresh: Engine
    """Keeps nothing, and computes one chat at a time."""
    chance: random.Random
    said: dict[str, tuple[Message, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Of all chats that there ever were."""
    operations: int = 0
    compared: int = 0
    parted: int = 0
    """Compared texts that went on differently where two tokens were nearly as likely."""
    wrong: list[str] = field(default_factory=list)

    async def do_anything(self) -> None:
        operations: tuple[Callable[[], Awaitable[None]], ...] = (
            self.go_on,
            self.go_on,
            self.fork,
            self.cancel,
            self.obey,
            self.choose,
            self.overfill,
            self.forget,
        )
        for _ in range(OPERATIONS):
            try:
                await self.chance.choice(operations)()
            except EngineError as error:
                self.wrong.append(f"failed: {error}")
            self.operations += 1

    def any_chat(self) -> str:
        chat = self.chance.choice([*self.said, f"chat {self.chance.randrange(12)}"])
        self.names.add(chat)
        return chat

    def branch(self, chat: str) -> tuple[Message, ...]:
        """Return a chat with one more question."""
        known = self.said.get(chat, (SYSTEM,))
        return (*(known if len(known) < LONGEST else (SYSTEM,)), said("user", self.chance.choice(QUESTIONS)))

    def sampling(self, most: int) -> SamplingParams:
        return SamplingParams(
            temperature=self.chance.choice((0.0, 0.8, 1.5)),
            repetition_penalty=self.chance.choice((None, 1.2)),
            dry_multiplier=self.chance.choice((0.0, 0.8)),
            logprobs=self.chance.random() < 0.2,
            seed=self.chance.choice((None, 1)),
            max_tokens=most,
        )

    async def go_on(self) -> None:
        await self.continue_chat(self.any_chat())

    async def continue_chat(self, chat: str) -> None:
        messages = self.branch(chat)
        request = GenerateRequest(messages, self.sampling(24), chat, context_policy=self.chance.choice(POLICIES))
        reply = await answer_request(self.engine, request)
        self.said[chat] = (*messages, said("assistant", reply.text))

    async def fork(self) -> None:
        origin, fork = self.any_chat(), f"fork {self.chance.randrange(6)}"
        self.names.add(fork)
        known = self.said.get(origin, (SYSTEM,))
        self.said[fork] = known[: 1 + 2 * self.chance.randrange(len(known) // 2 + 1)]
        await self.continue_chat(fork)

    async def cancel(self) -> None:
        chat = self.any_chat()
        request = GenerateRequest(self.branch(chat), self.sampling(100), chat)
        events = self.chance.randrange(12)
        async with aclosing(self.engine.generate(request)) as stream:
            async for event in stream:
                events -= 1
                if events == 0 and self.chance.random() < 0.5:
                    await self.engine.cancel(request.id)
                elif events == 0:
                    break  # closing cancels, too
                elif isinstance(event, Finished) and event.reason == "failed":
                    raise EngineError(event.error or "a reply failed")

    async def obey(self) -> None:
        """Ask for a reply of a prescribed form."""
        schema = self.chance.random() < 0.5
        grammar = Grammar("json_schema", json.dumps(PERSON)) if schema else Grammar("regex", YES_OR_NO)
        chat = self.any_chat()
        reply = await answer_request(
            self.engine, GenerateRequest(self.branch(chat), self.sampling(60), chat, grammar=grammar)
        )
        if reply.reason == "stop" and not (_is_person(reply.text) if schema else re.fullmatch(YES_OR_NO, reply.text)):
            self.wrong.append(f"not what the grammar says: {reply.text!r}")

    async def choose(self) -> None:
        chat = self.any_chat()
        async with aclosing(
            choices(self.engine, GenerateRequest(self.branch(chat), self.sampling(8), chat), 2)
        ) as told:
            async for number, event in told:
                if isinstance(event, Finished) and event.reason == "failed":
                    raise EngineError(f"choice {number}: {event.error}")

    async def overfill(self) -> None:
        """Ask more than the context holds."""
        chat = self.any_chat()
        turn = said("user", long_text(160)), said("assistant", "Yes.")
        policy = self.chance.choice(POLICIES)
        request = GenerateRequest(
            (SYSTEM, *turn * 5, *self.branch(chat)[1:]), self.sampling(8), chat, context_policy=policy
        )
        try:
            await answer_request(self.engine, request)
        except EngineError:
            if policy != "stop":
                raise

    async def forget(self) -> None:
        chat = self.any_chat()
        await self.engine.forget(chat)
        self.said.pop(chat, None)

    async def compare(self) -> None:
        """Have one chat go on by itself, and compare what it says with what the other worker says."""
        chat = self.any_chat()
        messages = self.branch(chat)
        ours = await answer(self.engine, messages, COMPARED, chat)
        fresh = await answer(self.fresh, messages, COMPARED, "")
        self.compared += 1
        if ours.left_out != fresh.left_out or ours.text == fresh.text:
            return
        if (less := _less_likely(ours, fresh)) < NEARLY:
            self.parted += 1
        else:
            self.wrong.append(f"{ours.text!r} is {less:.2f} less likely than {fresh.text!r} after {messages}")


def _less_likely(ours: Reply, fresh: Reply) -> float:
    """Return by how much the first token that differs was less likely than the one in its place."""
    for one, other in zip(ours.scores, fresh.scores, strict=False):
        if one.chosen.token != other.chosen.token:
            known = {chance.token: chance.logprob for chance in other.top}
            return other.chosen.logprob - known.get(one.chosen.token, float("-inf"))
    return 0.0  # one of them ended where the other went on, and the end is no token of a text


def _is_person(text: str) -> bool:
    person = json.loads(text)
    return set(person) >= {"name", "age"}


async def _kept_of_forgotten(chats: Chats) -> int:
    """Forget all chats, and return how many tokens of one are known nevertheless."""
    chat, messages = max(chats.said.items(), key=lambda item: len(item[1]))
    for name in chats.names:
        await chats.engine.forget(name)
    again = await answer(chats.engine, messages, SamplingParams(max_tokens=1), chat)
    await chats.engine.forget(chat)
    return again.usage.cached_tokens


async def _full_contexts(engine: Engine) -> int:
    """Return how many of as many chats as may be at once are answered when each fills its context."""
    sampling = SamplingParams(max_tokens=2, ignore_eos=True)
    prompts = [(said("user", f"Number {number}. {long_text(CONTEXT - 120)}"),) for number in range(AT_ONCE)]
    replies = await asyncio.gather(*(answer(engine, prompt, sampling, str(n)) for n, prompt in enumerate(prompts)))
    return sum(reply.left_out == 0 and reply.usage.completion_tokens == 2 for reply in replies)


async def _measure(quick: bool) -> list[Figure]:
    seconds = 30 if quick else 300
    seed = random.SystemRandom().randrange(2**32)
    print(f"  seed {seed}")
    memory: list[float] = []
    subject = LoadOptions(n_ctx=CONTEXT, max_seqs=AT_ONCE, spill_mb=64)
    plain = LoadOptions(n_ctx=CONTEXT, max_seqs=1, threads=1, kv_cache=False)
    async with loaded(subject) as engine, loaded(plain) as fresh:
        assert isinstance(engine, SupervisedEngine)
        worker = psutil.Process(engine.worker_pid)
        chats = Chats(engine, fresh, random.Random(seed))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.gather(*(chats.do_anything() for _ in range(AT_ONCE)))
            await chats.compare()
            memory.append(worker.memory_info().rss / 1e6)
        kept = await _kept_of_forgotten(chats)
        full = await _full_contexts(engine)
        same_worker = engine.worker_pid == worker.pid
    for problem in chats.wrong[:10]:
        print(f"  {problem}")
    third = max(1, len(memory) // 3)
    return [
        Figure("soak: operations", chats.operations, ""),
        Figure("  texts compared with a fresh context", chats.compared, ""),
        Figure("  of these, parted where two were as likely", chats.parted, ""),
        Figure("  wrong texts and failures", len(chats.wrong) + (not same_worker), "", budget=1),
        Figure(
            "  memory, last third (reference: first third)",
            percentile(memory[-third:], 50),
            "MB",
            reference=percentile(memory[:third], 50),
            # In half a minute the context is not in use everywhere yet.
            budget=None if quick else 1.05,
            of_ratio=True,
        ),
        Figure("  tokens known of forgotten chats", kept, "tok", budget=1),
        Figure(f"  full contexts afterwards, of {AT_ONCE}", full, "", budget=AT_ONCE, sense=">"),
    ]


def run(quick: bool) -> list[Figure]:
    return asyncio.run(_measure(quick))
