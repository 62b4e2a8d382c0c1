"""The screens where things are set: the settings, and the parameters of a chat."""

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from mistral_tui.config.settings import Settings
from mistral_tui.config.settings_file import read_settings
from mistral_tui.tui.settings.fields import FieldRows, FieldsScreen
from tests.tui.harness import app_with, content, key_of, paste_and_send, put, screen_rows, started, until

pytestmark = pytest.mark.core


@pytest.fixture
def file() -> Path:
    return Path(os.environ["MISTRAL_TUI_CONFIG"])


async def opened(pilot: Pilot[None], key: str) -> FieldsScreen:
    await started(pilot)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, FieldsScreen) and pilot.app.screen.query_one(FieldRows))
    assert isinstance(pilot.app.screen, FieldsScreen)
    return pilot.app.screen


async def write(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*(key_of(char) for char in text))


def said(screen: FieldsScreen, part: str) -> str:
    return str(screen.query_one(f"#fields-{part}", Static).content)


async def test_a_setting_is_found_edited_and_saved(file: Path) -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "temperature")
        assert "0 is greedy" in said(screen, "about")
        await pilot.press("enter")
        await write(pilot, "0.3")
        await pilot.press("enter")
        await until(pilot, file.exists)
        assert read_settings(file).settings == Settings(temperature=0.3)
        await until(pilot, lambda: "saved; it counts from the next start" in said(screen, "problem"))
        assert any("temperature" in row and "0.3" in row and "file" in row for row in screen_rows(screen))


async def test_what_makes_no_sense_is_said_as_it_is_typed_and_not_saved(file: Path) -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "temperature")
        await pilot.press("enter", "9")
        await until(pilot, lambda: "from 0 to 2" in said(screen, "problem"))
        await pilot.press("enter")
        assert not content(file)
        assert screen.query_one("#fields-value", Input).has_focus
        await pilot.press("backspace", "1")
        await until(pilot, lambda: not said(screen, "problem"))


async def test_the_value_of_a_switch_is_completed(file: Path) -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "vim_keys")
        await pilot.press("enter", "t", "r")
        field = screen.query_one("#fields-value", Input)
        await until(pilot, lambda: field._suggestion == "true")
        await pilot.press("right", "enter")
        await until(pilot, lambda: read_settings(file).settings == Settings(vim_keys=True))


async def test_an_empty_text_is_the_default_again(file: Path) -> None:
    put(file, "# mine\ntop_k = 3\n")
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "top_k")
        await pilot.press("enter", "ctrl+u", "enter")
        await until(pilot, lambda: "the default again" in said(screen, "problem"))
    assert content(file) == "# mine\n"


async def test_a_damaged_file_is_said_and_stays(file: Path) -> None:
    put(file, "top_k = \n")
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "top_k")
        await pilot.press("enter", "3", "enter")
        await until(pilot, lambda: "line 1: not valid TOML" in said(screen, "problem"))
    assert content(file) == "top_k = \n"


async def test_a_theme_counts_at_once(file: Path) -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "theme")
        await pilot.press("enter")
        await write(pilot, "fjord")
        await pilot.press("enter")
        await until(pilot, lambda: "it counts at once" in said(screen, "problem"))
        assert pilot.app.theme == "fjord"


async def test_escape_leaves_the_field_then_the_search_then_the_screen() -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "seed")
        await pilot.press("enter", "7", "escape")
        search = screen.query_one("#fields-search", Input)
        assert search.has_focus
        assert search.value == "seed"
        await pilot.press("escape")
        assert search.value == ""
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not screen)


async def test_arrows_skip_the_headings_and_stay_within() -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        rows = screen.query_one(FieldRows)
        await pilot.press("up")
        assert rows.highlighted == 1
        await pilot.press(*["down"] * 8)
        assert said(screen, "about").startswith("the colours")
        await pilot.press(*["pagedown"] * 20)
        assert rows.highlighted == rows.option_count - 1
        await pilot.press("pageup")
        assert rows.highlighted == rows.option_count - 13  # 12 would be a heading


async def test_a_search_without_a_hit_says_so() -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await write(pilot, "zzz")
        await until(pilot, lambda: "nothing is called like that" in said(screen, "about"))
        await pilot.press("enter")
        assert not screen.query_one("#fields-value", Input).display


async def test_a_field_is_edited_with_the_mouse() -> None:
    async with app_with().run_test() as pilot:
        screen = await opened(pilot, "alt+c")
        await pilot.click(FieldRows, offset=(10, 2))
        await until(pilot, lambda: screen.query_one("#fields-value", Input).has_focus)


async def test_parameters_are_those_of_the_chat_in_view() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        screen = await opened(pilot, "alt+p")
        assert said(screen, "about").startswith("what every request")
        await write(pilot, "top_p")
        assert "the model's, else 0.95" in said(screen, "about")
        await pilot.press("enter")
        await write(pilot, "0.5")
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.chat.request.sampling.top_p == 0.5)
        assert "from the next reply on" in said(screen, "problem")
        assert app.workspace.new_chat().request.sampling.top_p is None
        await pilot.press("enter", "ctrl+u", "enter")
        await until(pilot, lambda: app.pane.chat.request.sampling.top_p is None)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("context_policy", "stop", "stop"), ("enable_thinking", "false", False)],
)
async def test_what_a_chat_does_besides_sampling_is_set_there_too(name: str, text: str, value: object) -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await opened(pilot, "alt+p")
        await write(pilot, name)
        await pilot.press("enter", "ctrl+u")
        await write(pilot, text)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.pane.chat.request, name) == value)


async def test_a_command_opens_them() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "/settings")
        await until(pilot, lambda: isinstance(app.screen, FieldsScreen))
        await pilot.press("escape")
        await paste_and_send(pilot, "\\params")
        await until(pilot, lambda: isinstance(app.screen, FieldsScreen))
