"""Idle chats that would slow others down wait outside the context, and come back without being computed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from mistral_tui.engines.gguf.kv.cache import SavedChat
from mistral_tui.engines.gguf.kv.parking import Parking
from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from mistral_tui.engines.gguf.text.transcript import Transcript
from tests.engines.gguf.client import Client, assistant, user
from tests.engines.gguf.conftest import open_engine

pytestmark = pytest.mark.core

LONG = user("What is the capital of Japan? " + "Think about it. " * 80)
SHORT = user("What is the capital of Japan?")


@pytest.fixture(scope="module")
def roomy(smollm2: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=1024, max_seqs=3)
    yield client
    client.close()


def chats_in_context(client: Client) -> set[str]:
    client.answer()  # comes after what the engine has left to do for the last request
    return {sequence.chat_id for sequence in cast(Scheduler, client.loop)._cache.idle}


def test_a_long_idle_chat_leaves_when_another_is_answered_and_comes_back(roomy: Client) -> None:
    first = roomy.answer(LONG, chat="long", max_tokens=4)
    assert chats_in_context(roomy) == {"long"}
    roomy.answer(SHORT, chat="short", max_tokens=4)
    assert chats_in_context(roomy) == {"short"}
    again = roomy.answer(LONG, assistant(first.text), SHORT, chat="long", max_tokens=4)
    assert again.usage.cached_tokens >= first.usage.prompt_tokens
    assert chats_in_context(roomy) == {"short", "long"}


def test_a_fork_of_a_chat_that_has_left_computes_only_what_is_new(roomy: Client) -> None:
    roomy.answer(LONG, chat="origin", max_tokens=4)
    roomy.answer(SHORT, chat="other", max_tokens=4)
    assert "origin" not in chats_in_context(roomy)
    fork = roomy.answer(LONG, assistant("Tokyo."), SHORT, chat="fork", max_tokens=4)
    assert fork.usage.cached_tokens >= fork.usage.prompt_tokens - 30


def test_a_forgotten_chat_is_not_parked(roomy: Client) -> None:
    secret = user("Hush! " + LONG.text)
    roomy.answer(secret, chat="secret", max_tokens=4)
    roomy.answer(SHORT, chat="other", max_tokens=4)
    roomy.loop.forget("secret")
    assert roomy.answer(secret, chat="secret", max_tokens=4).usage.cached_tokens < 40


def test_where_no_sequence_is_free_the_oldest_chat_leaves_while_nobody_asks(smollm2: Path) -> None:
    client = open_engine(smollm2, n_ctx=1024, max_seqs=2)
    try:
        cache = cast(Scheduler, client.loop)._cache
        first = client.answer(LONG, chat="first", max_tokens=4)
        client.answer(LONG, assistant("Tokyo."), SHORT, chat="fork", max_tokens=4)
        deadline = time.monotonic() + 10
        while cache.crowding is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert [sequence.chat_id for sequence in cache.idle] == ["fork"]
        again = client.answer(LONG, assistant(first.text), SHORT, chat="first", max_tokens=4)
        assert again.usage.cached_tokens >= first.usage.prompt_tokens
    finally:
        client.close()


def saved(tokens: list[int], size: int) -> SavedChat:
    return SavedChat(Transcript(tokens), len(tokens), None, (), bytearray(size))


def test_the_chat_with_the_longest_beginning_is_found() -> None:
    parking = Parking(100)
    parking.put("a", saved([1, 2, 3], 10))
    parking.put("b", saved([1, 2, 3, 4], 10))
    assert parking.longest([1, 2, 3, 4, 5], ()) == ("b", 4)
    assert parking.longest([9], ()).length == 0


def test_the_longest_parked_chats_make_way() -> None:
    parking = Parking(25)
    for chat in "abc":
        parking.put(chat, saved([1], 10))
    assert parking.take("a") is None
    assert parking.take("b") is not None
    assert parking.take("b") is None
