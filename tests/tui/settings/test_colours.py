"""Choosing colours with a look at each, and a theme file that changes while it is in use."""

import os
from pathlib import Path

import pytest

from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.settings_file import read_settings
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.settings.theme_choice import ThemeChoice
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.tui.harness import app_with, content, put, screen_rows, started, until

pytestmark = pytest.mark.core


@pytest.fixture
def settings() -> Path:
    return Path(os.environ["MISTRAL_TUI_CONFIG"])


def app_on(own: Path, theme: str) -> MistralApp:
    return MistralApp(Workspace(FakePool(FakeEngine([Reply()])), None, ENTRY), theme=theme, own_themes=own)


def theme_of(primary: str) -> str:
    return f'[colors]\nprimary = "{primary}"\nbackground = "#101010"\n'


async def test_colours_are_shown_as_they_are_marked_and_kept_by_enter(settings: Path) -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, ThemeChoice) and app.screen.query_one(Choices).has_focus)
        await pilot.press("down")
        await until(pilot, lambda: app.theme == "mistral-light")
        assert not content(settings)
        await pilot.press("enter")
        await until(pilot, lambda: read_settings(settings).settings.theme == "mistral-light")
        assert app.theme == "mistral-light"


async def test_escape_brings_the_first_colours_back(settings: Path) -> None:
    async with app_with(theme="fjord").run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, ThemeChoice))
        await pilot.press("down", "down")
        await until(pilot, lambda: app.theme not in ("fjord",))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ThemeChoice))
        assert app.theme == "fjord"
        assert not content(settings)


async def test_colours_that_cannot_be_kept_are_used_all_the_same(settings: Path) -> None:
    put(settings, "broken = \n")
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, ThemeChoice))
        await pilot.press("up", "enter")
        await until(pilot, lambda: any("but not kept" in each.message for each in app._notifications))
        assert app.theme == "high-contrast-light"
    assert content(settings) == "broken = \n"


async def test_a_broken_theme_in_the_list_says_what_is_wrong(tmp_path: Path) -> None:
    put(tmp_path / "aaa.toml", '[colors]\nprimary = "rainbow"\n')
    async with app_on(tmp_path, "mistral-dark").run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, ThemeChoice))
        await pilot.press(*["up"] * 6)
        await until(pilot, lambda: "rainbow" in "".join(screen_rows(app.screen)))
        await pilot.press("enter")
        assert isinstance(app.screen, ThemeChoice)
        await pilot.press("escape")


async def test_a_file_of_ones_own_counts_as_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    put(file, theme_of("#ff0000"))
    async with app_on(tmp_path, "own").run_test() as pilot:
        app = await started(pilot)
        assert app.current_theme.primary == "#ff0000"
        put(file, theme_of("#00ff00") + "# longer\n")
        app._colours.look()
        await until(pilot, lambda: app.theme_variables["primary"].lower() == "#00ff00")
        put(file, theme_of("rainbow"))
        app._colours.look()
        await until(pilot, lambda: any("line 2, colors.primary" in each.message for each in app._notifications))
        assert app.current_theme.primary == "#00ff00"
        app._colours.look()
        assert len(app._notifications) == 1


async def test_a_file_that_was_broken_at_the_start_is_taken_once_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    put(file, theme_of("rainbow"))
    async with app_on(tmp_path, "own").run_test() as pilot:
        app = await started(pilot)
        await until(pilot, lambda: any("mistral-dark is used instead" in each.message for each in app._notifications))
        assert app.theme == "mistral-dark"
        put(file, theme_of("#00ff00"))
        app._colours.look()
        await until(pilot, lambda: app.theme_variables["primary"].lower() == "#00ff00")
        assert app.theme == "own"


async def test_files_are_looked_at_only_while_one_of_ones_own_is_in_use(tmp_path: Path) -> None:
    put(tmp_path / "own.toml", theme_of("#ff0000"))
    async with app_on(tmp_path, "mistral-dark").run_test() as pilot:
        app = await started(pilot)
        followed = []
        for name in ("mistral-dark", "own", "fjord"):
            app._colours.use(name)
            followed.append(app._colours._timer is not None)
        assert followed == [False, True, False]


async def test_a_theme_that_cannot_be_used_at_the_start_is_said(tmp_path: Path) -> None:
    put(tmp_path / "own.toml", "[colors]\n")
    async with app_on(tmp_path, "own").run_test() as pilot:
        app = await started(pilot)
        await until(pilot, lambda: any("colors.primary is missing" in each.message for each in app._notifications))
        assert app.theme == "mistral-dark"
