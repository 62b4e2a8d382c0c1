"""What is typed and not sent stays with its chat."""

from pathlib import Path

import pytest

from mistral_tui.store.store import Store
from tests.tui.harness import ask, paste_and_send, started, until
from tests.tui.sessions.stored import app_on

pytestmark = pytest.mark.core


async def test_what_is_typed_stays_with_its_chat(tmp_path: Path) -> None:
    app = app_on(tmp_path / "chats.db")
    async with app.run_test() as pilot:
        await started(pilot)
        await ask(pilot, "First", paste_and_send)
        first = app.pane.chat
        await pilot.press(*"half")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.pane.chat is not first and not app.pane.prompt.text)
        await ask(pilot, "Second", paste_and_send)
        await pilot.press(*"other")
        await until(pilot, lambda: app.pane.prompt.text == "other")
        await pilot.press("f2", "down", "enter")
        await until(pilot, lambda: app.pane.prompt.text == "half")


async def test_what_is_typed_is_there_in_the_next_run_without_a_proper_end(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    app = app_on(path)
    async with app.run_test() as pilot:
        await started(pilot)
        await pilot.press(*"half")
        # Written while the program runs: nothing has to be done at its end.
        await until(pilot, lambda: Store(path).ui_state("draft:") == "half")
    again = app_on(path)
    async with again.run_test() as pilot:
        await until(pilot, lambda: again.pane.prompt.text == "half")
        await pilot.press("enter")
        await until(pilot, lambda: Store(path).ui_state("draft:") is None)


async def test_what_is_typed_before_the_draft_is_read_follows_it(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    Store(path).set_ui_state("draft:", "a draft")
    app = app_on(path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.pane.prompt.text)
        await pilot.press("x")
        assert app.pane.prompt.text.startswith("a draft")
