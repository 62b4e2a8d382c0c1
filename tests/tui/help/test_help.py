"""Finding out what can be done: the help screen and the palette."""

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Input

from mistral_tui.tui.help.screen import HelpScreen
from tests.tui.harness import app_with, screen_rows, started, until

pytestmark = pytest.mark.core


async def test_help_is_searched_as_one_types() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and app.screen.query_one(Input).has_focus)
        await pilot.press(*"quit")
        await until(pilot, lambda: "ctrl+q" in "".join(screen_rows(app.screen)))
        shown = "\n".join(screen_rows(app.screen))
        assert "/exit" in shown
        assert "Send the prompt" not in shown
        await pilot.press(*"zz")
        await until(pilot, lambda: "nothing is called like that" in "".join(screen_rows(app.screen)))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))


async def test_help_is_scrolled_by_keys() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and app.screen.query_one(Input).has_focus)
        text = app.screen.query_one("#help-text")
        places = []
        for key in ("down", "pagedown", "up", "pageup"):
            await pilot.press(key)
            await pilot.pause()
            places.append(text.scroll_y)
        assert places == [1, 13, 12, 0]


async def test_a_command_that_takes_words_is_begun_from_the_palette() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"temperature")
        await until(pilot, lambda: any("/temperature 0…2" in row for row in screen_rows(app.screen)))
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.prompt.text == "/temperature ")
        assert app.pane.prompt.has_focus
        await pilot.press(*"1", "enter")
        await until(pilot, lambda: app.pane.chat.request.sampling.temperature == 1)


async def test_the_palette_puts_a_command_first_and_names_keys_that_work_from_the_prompt() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await started(pilot)

        async def finds(words: str, row: str) -> None:
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            app.screen.query_one(Input).value = words
            found = app.screen.query_one(CommandList)
            await until(
                pilot, lambda: found.option_count and str(found.get_option_at_index(0).prompt).split() == row.split()
            )
            await pilot.press("escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)

        await finds("model", "Choose the model of this chat, or fetch one  alt+l")
        await finds("rename", "Rename the chat  /rename TITLE")
        await finds("again with another", "Answer it again with another model  alt+m m")
