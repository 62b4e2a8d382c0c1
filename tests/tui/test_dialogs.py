"""Dialogs are closed by their answer, and by nothing that comes after it."""

import pytest
from textual import events

from mistral_tui.tui.panes.key_menu import KeyMenu
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, main_screen, started, until

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("alt+l", "escape"),
        ("alt+l", "enter"),
        ("alt+c", "escape"),
        ("alt+j", "escape"),
        ("alt+q", "escape"),
        ("alt+p", "escape"),
        ("alt+s", "escape"),
        ("f1", "escape"),
        ("f9", "enter"),
        ("ctrl+p", "escape"),
        ("ctrl+s", "v"),
    ],
)
async def test_a_key_that_is_pressed_twice_closes_one_dialog(opening: str, closing: str) -> None:
    app = app_with(Reply())
    async with app.run_test(size=(100, 30)) as pilot:
        await started(pilot)
        await pilot.press(opening)
        await until(pilot, lambda: len(app.screen_stack) > 1, "the dialog")
        await until(pilot, lambda: app.screen.is_running and app.screen.query("*"), "its parts")
        for _ in range(3):  # all wait in the queue before the first is looked at, as on a busy machine
            app.post_message(events.Key(closing, closing if len(closing) == 1 else None))
        await until(pilot, lambda: app.screen is main_screen(app), "the main screen")
        await pilot.press("escape")
        assert app.is_running
        assert app.screen is main_screen(app)


async def test_a_key_for_a_list_that_an_earlier_escape_has_closed_is_typed() -> None:
    app = app_with(Reply())
    async with app.run_test(size=(100, 30)) as pilot:
        await started(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, KeyMenu), "the list of keys")
        menu = app.screen
        menu.dismiss(None)
        menu.post_message(events.Key("p", "p"))
        await until(pilot, lambda: app.pane.prompt.text == "p", "the letter")
