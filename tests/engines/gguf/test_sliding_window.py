"""Layers that look at the last tokens only: with and without memory of what they don't look at any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from tests.engines.gguf.client import Asked, Client, assistant, user
from tests.engines.gguf.conftest import open_scheduler
from tests.engines.gguf.reference import Reference

pytestmark = pytest.mark.core

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'user' if m.role == 'user' else 'model' }}\n"
    "{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n"
)
STORY = "Once upon a time there was a king who had three sons. " * 46
"""About 600 tokens; the window is 512."""


@pytest.fixture(scope="module", params=[True, False], ids=["full", "window only"])
def chats(request: pytest.FixtureRequest, gemma: Path) -> Iterator[Client]:
    client = Client(open_scheduler(gemma, n_ctx=1280, sequences=3, swa_full=request.param, template=TEMPLATE))
    yield client
    client.close()


@pytest.fixture(scope="module")
def reference(gemma: Path) -> Iterator[Reference]:
    opened = Reference(gemma)
    yield opened
    opened.close()


def written(client: Client, asked: Asked, chat: str) -> tuple[list[int], int]:
    """Return the tokens of a chat after a reply, and how many of them were its prompt."""
    scheduler = client.loop
    assert isinstance(scheduler, Scheduler)
    client.answer()  # comes after what the engine has left to do for `asked`
    sequence = scheduler._cache.own(chat)
    assert sequence is not None
    return list(sequence.transcript.tokens), asked.usage.prompt_tokens


def test_whatever_is_reused_a_chat_says_what_it_says_alone(chats: Client, reference: Reference) -> None:
    def right(asked: Asked, chat: str) -> bool:
        return reference.worst_choice(*written(chats, asked, chat)) < 0.5

    chats.answer(user(STORY + "How many sons?"), chat="one", max_tokens=6)
    again = chats.answer(user(STORY + "How many sons?"), chat="one", max_tokens=6)
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert right(again, "one")
    history = (user(STORY + "How many sons?"), assistant(again.text))
    second = chats.answer(*history, user("And who was their father?"), chat="one", max_tokens=6)
    assert second.usage.cached_tokens >= again.usage.prompt_tokens - 1
    fork = chats.answer(*history, user("What did the eldest do?"), chat="two", max_tokens=6)
    assert right(fork, "two")
    third = chats.answer(*history, user("And the second?"), chat="one", max_tokens=6)
    assert third.usage.cached_tokens >= again.usage.prompt_tokens - 1
    assert right(third, "one")
    edited = chats.answer(user(STORY[:600] + "How many daughters?"), chat="one", max_tokens=6)
    assert right(edited, "one")
