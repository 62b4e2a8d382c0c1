"""What happens when the context is full, as a chat has chosen: drop, shift or stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from mistral_tui.types.events import ContextShifted
from tests.engines.gguf.client import Asked, Client, assistant, message, user
from tests.engines.gguf.conftest import open_engine, open_scheduler
from tests.engines.gguf.tiny_mamba import write_mamba

pytestmark = pytest.mark.core

N_CTX = 256
SYSTEM = message("system", "You count.")
COUNT = user("Write the numbers from 1 to 300, separated by commas.")


@pytest.fixture(scope="module")
def small(smollm2: Path) -> Iterator[Client]:
    client = Client(open_scheduler(smollm2, n_ctx=N_CTX, sequences=3))
    yield client
    client.close()


def shifts(asked: Asked) -> list[int]:
    return [event.tokens for event in asked.events if isinstance(event, ContextShifted)]


def test_with_shift_a_reply_goes_on_beyond_the_context(small: Client) -> None:
    asked = small.answer(SYSTEM, COUNT, chat="shift", max_tokens=400, context_policy="shift")
    assert asked.reason == "length"
    assert asked.usage.completion_tokens == asked.told_tokens == 400
    assert len(shifts(asked)) >= 2
    assert asked.usage.context_tokens <= N_CTX
    # It still counts, although it does not see any more that it was asked to.
    numbers = [int(text) for text in asked.text.replace(" ", "").split(",")[:-1]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_turn_after_a_shift_reuses_the_system_message_only(small: Client) -> None:
    first = small.answer(SYSTEM, COUNT, chat="after", max_tokens=300, context_policy="shift")
    assert shifts(first)
    short = user("What is the capital of Japan?")
    second = small.answer(SYSTEM, short, chat="after", max_tokens=12, context_policy="shift")
    assert second.usage.cached_tokens < 12
    small.loop.forget("after")
    assert second.text == small.answer(SYSTEM, short, max_tokens=12).text


def test_a_shift_moves_nothing_that_other_chats_share(smollm2: Path) -> None:
    small = Client(open_scheduler(smollm2, n_ctx=N_CTX, sequences=3, cells=1024))
    expected = small.answer(SYSTEM, COUNT, chat="one", max_tokens=80).text
    shifted = small.answer(SYSTEM, COUNT, chat="two", max_tokens=240, context_policy="shift")
    assert shifts(shifted)
    assert shifted.usage.cached_tokens == shifted.usage.prompt_tokens - 1
    again = small.answer(SYSTEM, COUNT, chat="one", max_tokens=80)
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert again.text == expected
    small.close()


def test_with_stop_a_chat_that_is_too_long_is_refused(small: Client) -> None:
    history = [m for number in range(6) for m in (user(f"{number} " + "word " * 20), assistant("word " * 10))]
    asked = small.answer(*history, user("One?"), chat="stop", context_policy="stop")
    assert asked.reason == "failed"
    assert asked.last.error is not None
    assert "the context holds 256 with the reply; let the oldest turns be left out" in asked.last.error
    assert small.answer(*history, user("One?"), chat="stop", max_tokens=4).left_out


def test_with_stop_a_reply_ends_where_the_context_does(small: Client) -> None:
    asked = small.answer(COUNT, context_policy="stop")
    assert asked.reason == "context"
    assert asked.usage.context_tokens == N_CTX


def test_a_chat_far_longer_than_the_context_is_refused_without_being_read(small: Client) -> None:
    scheduler = small.loop
    assert isinstance(scheduler, Scheduler)
    asked = small.answer(user("word " * 4000), assistant("Yes."), user("One?"), context_policy="stop")
    assert asked.last.error is not None
    assert "longer than the context of 256 tokens" in asked.last.error


def test_a_model_that_cannot_shift_stops(tmp_path: Path) -> None:
    client = open_engine(write_mamba(tmp_path / "tiny.gguf"), n_ctx=256, max_seqs=1)
    asked = client.answer(user("hello"), context_policy="shift")
    client.close()
    assert asked.reason == "context"
    assert shifts(asked) == []
