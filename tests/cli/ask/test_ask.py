"""What is printed and stored of an answer, also when it fails or is stopped."""

import asyncio
import json
from pathlib import Path

import pytest

from mistral_tui.cli.ask import parse
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.types.errors import EngineError, InvalidRequest, ModelNotFound, StoreError, WorkerDied
from tests.cli.ask.asking import ask, stored
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


async def test_the_answer_is_printed_and_stored(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool()
    assert await ask(pool, "-m", str(model), "Who", "is there?") == 0
    assert capsys.readouterr().out == "Hello there.\n"
    assert [message.text for message in stored()] == ["Who is there?", "Hello there."]
    assert pool.closed


async def test_continue_goes_on_with_the_latest_session(model: Path) -> None:
    await ask(FakePool(), "-m", str(model), "First")
    pool = FakePool(FakeEngine([Reply(("Again.",))]))
    await ask(pool, "-m", str(model), "--continue", "Second")
    assert [message.text for message in pool.engine.requests[0].messages] == ["First", "Hello there.", "Second"]
    assert [message.text for message in stored()] == ["First", "Hello there.", "Second", "Again."]


async def test_there_may_be_nothing_to_continue(model: Path) -> None:
    with pytest.raises(StoreError, match="no session to continue"):
        await ask(FakePool(), "-m", str(model), "-c", "Hi")


async def test_no_save_stores_nothing(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await ask(FakePool(), "-m", str(model), "--no-save", "--json", "Hi") == 0
    assert json.loads(capsys.readouterr().out)["session_id"] is None
    assert stored() == []


async def test_figures_go_to_stderr(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(FakePool(), "-m", str(model), "--stats", "Hi")
    captured = capsys.readouterr()
    assert captured.out == "Hello there.\n"
    assert captured.err.startswith("Stats:\n")


async def test_a_reply_that_fails_keeps_its_text(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = FakePool(FakeEngine([Reply(("Half",), "failed", "the worker was killed")]))
    with pytest.raises(EngineError, match="the worker was killed"):
        await ask(pool, "-m", str(model), "Hi")
    assert capsys.readouterr().out == "Half\n"
    assert stored()[-1].text == "Half"
    assert pool.closed


async def test_a_model_that_cannot_be_loaded(model: Path) -> None:
    pool = FakePool(error=WorkerDied("it died"))
    with pytest.raises(WorkerDied):
        await ask(pool, "-m", str(model), "Hi")
    assert pool.closed


async def test_a_cancel_in_the_reply_keeps_what_was_said(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold = asyncio.Event()
    pool = FakePool(FakeEngine([Reply(("Once", " upon"), hold=hold)]))
    task = asyncio.create_task(ask(pool, "-m", str(model), "Hi"))
    await until(lambda: "Once" in capsys.readouterr().out)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stored()[-1].text.startswith("Once")
    assert stored()[-1].finish == "cancelled"
    assert pool.closed


async def test_a_cancel_while_the_model_loads(model: Path) -> None:
    pool = FakePool(hold=asyncio.Event())
    task = asyncio.create_task(ask(pool, "-m", str(model), "Hi"))
    await until(lambda: pool.loads)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.closed


async def test_no_model_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(tmp_path / "empty.json"))
    with pytest.raises(ModelNotFound, match="no model on this machine"):
        await ask(FakePool(), "Hi")


@pytest.mark.parametrize("other", [("--no-save",), ("--system", "x")])
def test_continue_cannot_be_had_with_everything(other: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest, match=other[0]):
        parse(("--continue", *other, "Hi"), ModelFlags())
