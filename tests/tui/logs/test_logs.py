"""The screen of logs: which, from which level, with which words; hostile and missing files."""

import logging
import os
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.logs.lines import TAIL, read_log
from mistral_tui.tui.logs.screen import LogScreen
from tests.tui.harness import app_with, paste_and_send, put, screen_rows, started, until

pytestmark = pytest.mark.core


@pytest.fixture
def worker_log() -> Path:
    return Path(os.environ["MISTRAL_TUI_STATE_DIR"]) / "logs" / "worker-tiny-1-1.log"


async def opened(pilot: Pilot[None]) -> MistralApp:
    app = await started(pilot)
    await pilot.press("alt+j")
    await until(pilot, lambda: isinstance(app.screen, LogScreen) and app.screen.query_one(Input).has_focus)
    return app


def shown(app: MistralApp) -> str:
    return "\n".join(screen_rows(app.screen))


def append(file: Path, text: str) -> None:
    with file.open("a") as log:
        log.write(text)


async def test_the_log_of_a_worker_is_shown_and_followed(worker_log: Path) -> None:
    put(worker_log, "llama_model_loader: loaded\nggml: \x1b[31merror: out of memory\n")
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await until(pilot, lambda: "worker-tiny-1-1 · 2 lines" in shown(app))
        await until(pilot, lambda: "✗ ggml: error: out of memory" in shown(app))
        append(worker_log, "warning: slow disk\n")
        await until(pilot, lambda: "! warning: slow disk" in shown(app))


async def test_levels_and_words_filter(worker_log: Path) -> None:
    put(worker_log, "all is well\nwarning: slow disk\nerror: no disk\n")
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await until(pilot, lambda: "3 lines" in shown(app))
        await pilot.press("alt+w")
        await until(pilot, lambda: "warnings and errors · 2 lines" in shown(app))
        await pilot.press("alt+w")
        await until(pilot, lambda: "errors · 1 line" in shown(app))
        await pilot.press("alt+w", *"slow")
        await until(pilot, lambda: "1 line" in shown(app) and "slow disk" in shown(app))
        await pilot.press(*"zzz")
        await until(pilot, lambda: "nothing here" in shown(app))


async def test_what_this_program_logs_is_there_too() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        await started(pilot)
        logging.getLogger("mistral_tui.chat").warning("a \x1b[2J strange %s", "thing")
        app = await opened(pilot)
        await until(pilot, lambda: "log of this program" in shown(app))
        assert "mistral_tui.chat: a strange thing" in shown(app)


async def test_a_key_shows_another_log(worker_log: Path) -> None:
    put(worker_log, "all is well\n")
    put(worker_log.with_name("worker-silent-1-2.log"), "")
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await until(pilot, lambda: "log of worker-tiny" in shown(app))
        await pilot.press("alt+n")
        await until(pilot, lambda: "log of this program" in shown(app))
        await pilot.press("alt+n")
        await until(pilot, lambda: "log of worker-tiny" in shown(app))


async def test_a_command_opens_them() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/logs")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, LogScreen))


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    file = tmp_path / "worker-x.log"
    file.write_bytes(b"\xff" * 100 + b"line\n" * TAIL)
    lines = read_log(file)
    assert len(lines) < TAIL / 4
    assert {line.text for line in lines} == {"line"}


def test_a_log_that_is_gone_is_a_line_that_says_so(tmp_path: Path) -> None:
    (line,) = read_log(tmp_path / "gone.log")
    assert line.level == "error"
    assert "cannot be read" in line.text
