"""When computing itself fails: one request ends with a cause, the others and the engine go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.engines.parsing.splitter import ReplySplitter
from mistral_tui.types.requests import ToolSpec
from tests.engines.gguf.client import Client, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_mamba import TOKENS, write_mamba

pytestmark = pytest.mark.core

POISON = next(index for index, (name, _) in enumerate(TOKENS) if name == "<0x21>")
"""The token of an exclamation mark, which the model itself never says."""


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Client]:
    client = open_engine(write_mamba(tmp_path / "tiny.gguf"), n_ctx=4096, max_seqs=3)
    yield client
    client.close()


def poisoned(context: Context) -> bool:
    count = context._batch.n_tokens
    return POISON in context._tokens.values[:count]


def test_a_decode_that_fails_ends_only_the_request_that_makes_it_fail(
    tiny: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tiny.answer(user("hello"), max_tokens=300).text
    decode = Context.decode
    monkeypatch.setattr(Context, "decode", lambda context: -3 if poisoned(context) else decode(context))
    other = tiny.ask(user("hello"), max_tokens=300).until(lambda asked: asked.told_tokens > 0)
    failed = tiny.answer(user("hello!"), chat="poisoned")
    assert failed.reason == "failed"
    assert failed.last.error is not None
    assert "stopped computing" in failed.last.error
    assert other.end().text == alone
    assert tiny.answer(user("hello"), chat="poisoned", max_tokens=3).reason == "length"


def test_a_context_that_says_it_is_full_although_it_is_not_ends_requests_instead_of_being_asked_for_ever(
    tiny: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Context, "decode", lambda context: Decoded.NO_ROOM)
        asked = [tiny.ask(user("hello"), chat=chat) for chat in "ab"]
        failed = [each.end() for each in asked]
    assert [each.reason for each in failed] == ["failed", "failed"]
    assert all("no room left" in (each.last.error or "") for each in failed)
    assert tiny.answer(user("hello"), max_tokens=3).reason == "length"


def test_numbers_that_are_none_end_the_request(tiny: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Context, "has_nan", lambda context, row: True)
        failed = tiny.answer(user("hello"))
    assert failed.reason == "failed"
    assert "NaN" in (failed.last.error or "")
    assert tiny.answer(user("hello"), max_tokens=3).reason == "length"


def test_what_is_asked_of_a_stopped_engine_ends_at_once(tmp_path: Path) -> None:
    client = open_engine(write_mamba(tmp_path / "tiny.gguf"), n_ctx=4096, max_seqs=1)
    running = client.ask(user("hello")).until(lambda asked: asked.told_tokens > 0)
    waiting = client.ask(user("hello"))
    client.close()
    late = client.ask(user("hello"))
    assert [one.end().reason for one in (running, waiting, late)] == ["cancelled"] * 3


def test_a_reply_that_cannot_be_read_fails_alone(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = open_engine(smollm2, n_ctx=512, max_seqs=2)
    tools = (ToolSpec("look"),)
    other = client.ask(user("Count from 1 to 20."), max_tokens=40).until(lambda asked: asked.told_tokens > 0)
    with monkeypatch.context() as patch:
        patch.setattr(ReplySplitter, "feed", _no_sense)
        patch.setattr(ReplySplitter, "flush", _no_sense)
        failed = client.answer(user("Hello!"), tools=tools, max_tokens=20)
    assert failed.reason == "failed"
    assert "cannot be continued" in (failed.last.error or "")
    assert other.end().reason in ("stop", "length")
    client.close()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_reply_whose_end_cannot_be_read_is_cancelled_all_the_same(
    smollm2: Path, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    client = open_engine(smollm2, n_ctx=512, max_seqs=2)
    monkeypatch.setattr(ReplySplitter, "flush", _no_sense)
    asked = client.ask(user("Count from 1 to 20."), tools=(ToolSpec("look"),)).until(
        lambda asked: asked.told_tokens > 0
    )
    if stopped:
        client.loop.stop()
    else:
        client.loop.cancel(asked.request.id)
        assert asked.end().reason == "cancelled"
        assert client.answer(user("Hello!"), max_tokens=2).reason == "length"
    client.close()
    assert asked.end().reason == "cancelled"


def _no_sense(splitter: ReplySplitter, text: str = "") -> list[object]:
    raise RecursionError
