"""Chats opened, continued, edited, forked, cancelled, forgotten and spilled at random: no wrong word, nothing lost.

Whatever happened before, a reply must be what a fresh context says to the same tokens; and when all chats are
forgotten, no cell is in use.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from mistral_tui.types.messages import Message
from tests.engines.gguf.client import Asked, Client, assistant, message, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.reference import Reference

pytestmark = pytest.mark.core

SYSTEM = message("system", "You answer in a few words.")
QUESTIONS = (
    "What is the capital of Japan?",
    "And of Italy?",
    "Name a fruit.",
    "What colour is the sky? " + "Think about it. " * 12,
    "Count to five.",
    "Tell me a story about a dog. " + "It should be a long one. " * 8,
)
STEPS = 45
NEARLY = 0.6
"""How much less likely a chosen token may be than the likeliest: that much depends on its place in the KV cache."""


@pytest.fixture
def engine(smollm2: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=512, max_seqs=3, spill_mb=64)
    yield client
    client.close()


@pytest.fixture
def reference(smollm2: Path) -> Iterator[Reference]:
    opened = Reference(smollm2, 512)
    yield opened
    opened.close()


class Chats:
    """What was said, by chat."""

    def __init__(self, client: Client, reference: Reference, seed: int) -> None:
        self.client = client
        self.reference = reference
        self.chance = random.Random(seed)
        self.said: dict[str, tuple[Message, ...]] = {}
        self.checked = 0

    def step(self) -> None:
        steps = self.go_on, self.go_on, self.fork, self.retry, self.cancel, self.together, self.close
        self.chance.choice(steps)()

    def question(self) -> Message:
        return user(self.chance.choice(QUESTIONS))

    def any_chat(self) -> str:
        return self.chance.choice([*self.said, f"chat {self.chance.randrange(6)}"])

    def go_on(self) -> None:
        chat = self.any_chat()
        self.answer(chat, (*self.said.get(chat, (SYSTEM,)), self.question()))

    def fork(self) -> None:
        said = self.said.get(self.any_chat(), (SYSTEM,))
        kept = said[: 1 + 2 * self.chance.randrange(len(said) // 2 + 1)]
        self.answer(f"fork {self.chance.randrange(4)}", (*kept, self.question()))

    def retry(self) -> None:
        chat = self.any_chat()
        if len(said := self.said.get(chat, ())) > 1:
            self.answer(chat, said[:-1])

    def cancel(self) -> None:
        chat = self.any_chat()
        asked = self.client.ask(*self.said.get(chat, (SYSTEM,)), self.question(), chat=chat, max_tokens=50)
        if self.chance.random() < 0.5:
            asked.until(lambda asked: asked.told_tokens > 2)
        self.client.loop.cancel(asked.request.id)
        asked.end()

    def together(self) -> None:
        """Several at once: what they say depends on the batch, so it is not compared; what they leave behind is."""
        chats = {self.any_chat() for _ in range(4)}
        asked = [
            self.client.ask(*self.said.get(chat, (SYSTEM,)), self.question(), chat=chat, max_tokens=6) for chat in chats
        ]
        for one in asked:
            assert one.end().reason in ("stop", "length"), one.last.error

    def close(self) -> None:
        chat = self.any_chat()
        self.client.loop.forget(chat)
        self.said.pop(chat, None)

    def answer(self, chat: str, messages: tuple[Message, ...]) -> None:
        asked = self.client.answer(*messages, chat=chat, max_tokens=8)
        assert asked.reason in ("stop", "length"), asked.last.error
        assert self.worst_choice(chat, asked) < NEARLY
        self.said[chat] = (*messages, assistant(asked.text))[:9]
        self.checked += 1

    def worst_choice(self, chat: str, asked: Asked) -> float:
        self.client.answer()  # comes after what the engine has left to do for `asked`
        sequence = self.scheduler._cache.own(chat)
        assert sequence is not None
        return self.reference.worst_choice(list(sequence.transcript.tokens), asked.usage.prompt_tokens)

    @property
    def scheduler(self) -> Scheduler:
        return cast(Scheduler, self.client.loop)


def test_whatever_chats_do_no_word_is_wrong_and_nothing_is_lost(engine: Client, reference: Reference) -> None:
    chats = Chats(engine, reference, seed=1)
    for _ in range(STEPS):
        chats.step()
    assert chats.checked > STEPS // 3
    for chat in [*chats.said, *(f"chat {number}" for number in range(6)), *(f"fork {number}" for number in range(4))]:
        engine.loop.forget(chat)
    engine.answer()
    cache = chats.scheduler._cache
    assert cache.free_cells == chats.scheduler._context.cells
    assert cache.has_idle
    assert cache.idle == []
