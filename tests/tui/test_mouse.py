"""Everything a person would look for with the mouse can be done by it alone."""

from collections.abc import Sequence

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.context_menu import ContextMenu
from mistral_tui.tui.help.screen import HelpScreen
from mistral_tui.tui.key_bar import KeyBar
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.panes.tab_line import TabLine
from mistral_tui.tui.sessions.list import ListTitle
from mistral_tui.types.messages import Message
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, main_screen, paste_and_send, screen_rows, shown_text, started, until

pytestmark = pytest.mark.core

CODE = "Here:\n\n```python\nprint(1)\n```\n\n```python\nprint(2)\n```\n"


async def click_on(pilot: Pilot[None], words: str, within: Widget | None = None, button: int = 1) -> None:
    """Click on words that are on the screen."""
    place = (within or pilot.app.screen).region
    rows = screen_rows(pilot.app.screen)[place.y : place.bottom]
    await until(pilot, lambda: any(words in row for row in screen_rows(pilot.app.screen)), words)
    rows = screen_rows(pilot.app.screen)[place.y : place.bottom]
    y, row = next((y, row) for y, row in enumerate(rows, place.y) if words in row[place.x : place.right])
    x = row.index(words, place.x)
    await pilot.click(offset=(x, y), button=button)
    await pilot.pause()


def path(app: MistralApp) -> Sequence[Message]:
    return app.pane.chat.conversation.path()


async def test_the_footer_sends_opens_and_begins_a_chat() -> None:
    app = app_with(Reply(["Yes."]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await pilot.press(*"hello")
        await click_on(pilot, "send", app.screen.query_one(KeyBar))
        await until(pilot, lambda: len(path(app)) == 2 and not app.pane.busy)
        await click_on(pilot, "commands", app.screen.query_one(KeyBar))
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await click_on(pilot, "+ new", app.screen.query_one(ListTitle))
        await until(pilot, lambda: not path(app))


async def test_what_is_selected_is_copied_by_the_footer() -> None:
    copied: list[str] = []
    app = app_with(Reply(["A long reply to be selected."]))
    app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(100, 30)) as pilot:
        await started(pilot)
        await ask(pilot, "hello", paste_and_send)
        reply = app.pane.transcript.query(MessageView).last()
        await pilot.mouse_down(reply, offset=(4, 0))
        await pilot.hover(reply, offset=(10, 0))
        await pilot.mouse_up(reply, offset=(10, 0))
        await click_on(pilot, "copy", app.screen.query_one(KeyBar))
        await until(pilot, lambda: copied)
        assert copied == ["long re"]


async def test_a_dialog_is_closed_by_its_hint_and_by_a_click_beside_it() -> None:
    app = app_with()
    async with app.run_test(size=(100, 30)) as pilot:
        await started(pilot)
        await click_on(pilot, "help", app.screen.query_one(KeyBar))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await click_on(pilot, "esc closes", app.screen.query_one(KeyHint))
        await until(pilot, lambda: app.screen is main_screen(app))
        await click_on(pilot, "help", app.pane)
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.click(offset=(1, 1))
        await until(pilot, lambda: app.screen is main_screen(app))


async def test_the_status_line_leads_to_models_and_figures() -> None:
    app = app_with()
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await click_on(pilot, "/", app.pane.status)
        await until(pilot, lambda: main_screen(app).query_one("#metrics").display)
        await click_on(pilot, app.pane.status.figures.model[:4], app.pane.status)
        await until(pilot, lambda: len(app.screen_stack) == 2)


async def test_the_right_button_lists_what_can_be_done_with_a_chat() -> None:
    app = app_with(Reply(["Yes."]))
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await ask(pilot, "hello", paste_and_send)
        rows = main_screen(app).chats.rows
        await click_on(pilot, "hello", rows, button=3)
        await until(pilot, lambda: isinstance(app.screen, ContextMenu))
        assert path(app), "the chat is neither opened anew nor changed"
        await click_on(pilot, "Pin the chat")
        await until(pilot, lambda: "pinned" in shown_text(rows))
        await click_on(pilot, "hello", rows, button=3)
        await click_on(pilot, "Delete the chat")
        await until(pilot, lambda: "hello" not in shown_text(rows))


async def test_branches_code_and_the_menu_of_a_message_are_clicked() -> None:
    copied: list[str] = []
    app = app_with(Reply([CODE]), Reply(["Another one."]))
    app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await ask(pilot, "hello", paste_and_send)
        transcript = app.pane.transcript
        await click_on(pilot, "print(2)", transcript)
        await click_on(pilot, " 2 ", transcript)
        await until(pilot, lambda: copied == ["print(2)\n"] or copied == ["print(2)"])
        await click_on(pilot, "more", transcript)
        await click_on(pilot, "Answer it again ")
        await until(pilot, lambda: path(app)[-1].text == "Another one." and not app.pane.busy)
        await click_on(pilot, "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", transcript)
        await until(pilot, lambda: path(app)[-1].text == CODE)
        await click_on(pilot, "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", transcript)
        await until(pilot, lambda: path(app)[-1].text == "Another one.")


async def test_panes_and_tabs_are_opened_and_closed() -> None:
    app = app_with()
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        panes = main_screen(app).panes
        await pilot.click(app.pane, offset=(40, 3), button=3)
        await click_on(pilot, "Another pane at the right")
        await until(pilot, lambda: len(panes.panes) == 2)
        first = panes.panes[0]
        await click_on(pilot, "✕", first)
        await until(pilot, lambda: len(panes.panes) == 1 and first not in panes.panes)
        await pilot.click(app.pane, offset=(40, 3), button=3)
        await click_on(pilot, "New tab")
        await until(pilot, lambda: len(panes.tabs.tabs) == 2)
        await click_on(pilot, "+", panes.query_one(TabLine))
        await until(pilot, lambda: len(panes.tabs.tabs) == 3)
        await click_on(pilot, "✕", panes.query_one(TabLine))
        await until(pilot, lambda: len(panes.tabs.tabs) == 2)


async def test_a_file_is_attached_and_the_prompt_pasted_into() -> None:
    app = app_with()
    async with app.run_test(size=(100, 30)) as pilot:
        await started(pilot)
        await click_on(pilot, "+ file", app.pane)
        await until(pilot, lambda: app.pane.box.completion.display)
        assert app.pane.prompt.text == "@"
        await pilot.click(app.pane.prompt, offset=(3, 0), button=3)
        await click_on(pilot, "Select all")
        await until(pilot, lambda: app.pane.prompt.selected_text == "@")
