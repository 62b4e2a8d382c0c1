"""A model whose state cannot give up a part: what is reused must still be right."""

from collections.abc import Iterator
from functools import partial

import pytest

from mistral_tui.types.messages import Message
from tests.engines.gguf.client import Asked, Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_mamba import write_jamba, write_mamba

pytestmark = pytest.mark.core

HELLO = user("hello there")
MORE = user("and more")


@pytest.fixture(scope="module", params=[write_mamba, write_jamba], ids=["recurrent", "hybrid"])
def mamba(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = open_engine(request.param(tmp_path_factory.mktemp("mamba") / "mamba.gguf"), n_ctx=4096, max_seqs=3)
    yield client
    client.close()


def has_progress(count: int, asked: Asked) -> bool:
    return len(asked.progress) > count


def test_the_next_turn_goes_on_from_the_state(mamba: Client) -> None:
    first = mamba.answer(HELLO, chat="turns", max_tokens=12)
    history = (HELLO, assistant(first.text), MORE)
    second = mamba.answer(*history, chat="turns", max_tokens=12)
    assert second.usage.cached_tokens == first.usage.context_tokens - 1
    assert second.text == mamba.answer(*history, max_tokens=12).text


def alone(client: Client, *messages: Message, tokens: int = 12) -> str:
    """Return what is said to `messages` when nothing is known yet."""
    for chat in ("first", "fork", "again", "cancel", "turns"):
        client.loop.forget(chat)
    answered = client.answer(*messages, max_tokens=tokens)
    assert answered.usage.cached_tokens == 0
    return answered.text


def test_an_edit_is_computed_anew_and_says_what_it_says_alone(mamba: Client) -> None:
    mamba.answer(HELLO, chat="first", max_tokens=12)
    edited = mamba.answer(user("hello you"), chat="first", max_tokens=12)
    assert edited.usage.cached_tokens == 0
    assert edited.text == alone(mamba, user("hello you"))


def test_a_retry_goes_on_from_the_end_of_the_prompt(mamba: Client) -> None:
    asked = [mamba.answer(HELLO, chat="first", max_tokens=12) for _ in range(3)]
    assert [one.usage.cached_tokens for one in asked[1:]] == [asked[0].usage.prompt_tokens - 1] * 2
    assert {one.text for one in asked} == {alone(mamba, HELLO)}


def test_an_edit_of_a_later_turn_goes_on_from_the_turn_before(mamba: Client) -> None:
    first = mamba.answer(HELLO, chat="first", max_tokens=12)
    mamba.answer(HELLO, assistant(first.text), MORE, chat="first", max_tokens=12)
    other = (HELLO, assistant(first.text), user("or less"))
    edited = mamba.answer(*other, chat="first", max_tokens=12)
    assert edited.usage.cached_tokens == first.usage.prompt_tokens - 1
    assert edited.text == alone(mamba, *other)


def test_a_fork_goes_on_from_what_the_other_chat_has_read(mamba: Client) -> None:
    first = mamba.answer(HELLO, chat="first", max_tokens=12)
    history = (HELLO, assistant(first.text))
    fork = mamba.answer(*history, MORE, chat="fork", max_tokens=12)
    assert fork.usage.cached_tokens >= first.usage.prompt_tokens - 1
    again = mamba.answer(*history, user("or less"), chat="first", max_tokens=12)
    assert fork.text == alone(mamba, *history, MORE)
    assert again.text == alone(mamba, *history, user("or less"))


def test_a_prompt_asked_several_times_at_once_says_what_it_says_alone(mamba: Client) -> None:
    prompt = user("abcdefgh " * 300)
    asked = [mamba.ask(prompt, max_tokens=12) for _ in range(3)]
    assert {one.end().text for one in asked} == {alone(mamba, prompt)}


def test_after_a_cancel_it_says_what_it_says_alone(mamba: Client) -> None:
    prompt = user("abcdefgh " * 380)
    expected = alone(mamba, prompt, tokens=8)
    for count in (1, 2, 3):
        cancelled = mamba.ask(prompt, chat="cancel", max_tokens=8)
        cancelled.until(partial(has_progress, count))
        mamba.loop.cancel(cancelled.request.id)
        cancelled.end()
    assert mamba.answer(prompt, chat="cancel", max_tokens=8).text == expected


def test_cancelling_one_leaves_the_state_of_the_other_right(mamba: Client) -> None:
    expected = alone(mamba, HELLO, tokens=400)
    other = mamba.ask(HELLO, max_tokens=400)
    for _ in range(4):
        cancelled = mamba.ask(user("abcdefgh " * 380), max_tokens=8)
        cancelled.until(lambda asked: bool(asked.progress))
        mamba.loop.cancel(cancelled.request.id)
        cancelled.end()
    assert other.end().text == expected
