"""A model whose state cannot give up a part: what is reused must still be right."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.engines.gguf.client import Asked, Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_mamba import write_mamba

pytestmark = pytest.mark.core

HELLO = user("hello there")
MORE = user("and more")


@pytest.fixture(scope="module")
def mamba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = open_engine(write_mamba(tmp_path_factory.mktemp("mamba") / "mamba.gguf"), n_ctx=4096, max_seqs=3)
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


def test_an_edit_is_computed_anew_and_says_what_it_says_alone(mamba: Client) -> None:
    mamba.answer(HELLO, chat="edit", max_tokens=12)
    edited = mamba.answer(user("hello you"), chat="edit", max_tokens=12)
    assert edited.usage.cached_tokens == 0
    assert edited.text == mamba.answer(user("hello you"), max_tokens=12).text


def test_the_same_prompt_again_says_the_same(mamba: Client) -> None:
    texts = [mamba.answer(HELLO, chat="again", max_tokens=12).text for _ in range(3)]
    assert len(set(texts)) == 1


def test_after_a_cancel_it_says_what_it_says_alone(mamba: Client) -> None:
    prompt = user("abcdefgh " * 380)
    alone = mamba.answer(prompt, max_tokens=8).text
    for count in (1, 2, 3):
        cancelled = mamba.ask(prompt, chat="cancel", max_tokens=8)
        cancelled.until(partial(has_progress, count))
        mamba.loop.cancel(cancelled.request.id)
        cancelled.end()
    assert mamba.answer(prompt, chat="cancel", max_tokens=8).text == alone


def test_cancelling_one_leaves_the_state_of_the_other_right(mamba: Client) -> None:
    alone = mamba.answer(HELLO, max_tokens=400).text
    other = mamba.ask(HELLO, max_tokens=400)
    for _ in range(4):
        cancelled = mamba.ask(user("abcdefgh " * 380), max_tokens=8)
        cancelled.until(lambda asked: bool(asked.progress))
        mamba.loop.cancel(cancelled.request.id)
        cancelled.end()
    assert other.end().text == alone
