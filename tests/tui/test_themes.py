"""Themes: files that name colours, and what happens when they are wrong."""

from pathlib import Path

import pytest

from mistral_tui.tui.settings.themes import DEFAULT, find_theme, read_theme, theme_files
from mistral_tui.types.errors import ConfigError
from tests.tui.harness import app_with, ask, started, until

pytestmark = pytest.mark.core

GOOD = 'name = "own"\ndark = true\n[colors]\nprimary = "#ff0000"\n'


@pytest.mark.parametrize("path", theme_files(), ids=lambda path: path.stem)
def test_a_shipped_theme_names_every_colour_that_is_used(path: Path) -> None:
    theme = read_theme(path)
    assert theme.name == path.stem
    wanted = {"rule", "rule-focus", "selected", "heading", "code-background", "code-foreground"}
    assert wanted <= set(theme.variables)


@pytest.mark.parametrize("path", theme_files(), ids=lambda path: path.stem)
async def test_a_shipped_theme_can_be_used(path: Path) -> None:
    async with app_with(theme=path.stem).run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert app.theme == path.stem


async def test_a_theme_of_textual_can_be_used_too() -> None:
    async with app_with(theme="nord").run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert app.theme == "nord"


def test_the_persons_own_theme_comes_first(tmp_path: Path) -> None:
    (tmp_path / f"{DEFAULT}.toml").write_text(GOOD)
    assert find_theme(DEFAULT, tmp_path).parent == tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml at all", "cannot be read"),
        ('[colors]\nprimary = "#ff0000"\nbackgruond = "#000000"\n', "colors.backgruond"),
        ('[colors]\nprimary = "rainbow"\n', "colors.primary is 'rainbow'"),
        ('[colors]\naccent = "#ffffff"\n', "colors.primary is missing"),
        ("colors = 3\n", "colors must be a table"),
    ],
)
def test_a_broken_theme_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"own\.toml") as caught:
        read_theme(path)
    assert said in str(caught.value)


async def test_an_unknown_theme_is_said_and_the_usual_one_used() -> None:
    async with app_with(theme="../nowhere").run_test() as pilot:
        app = await started(pilot)
        await until(pilot, lambda: app._notifications)
        assert "../nowhere" in next(iter(app._notifications)).message
        assert app.theme == DEFAULT


async def test_another_theme_colours_what_is_there_already() -> None:
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        before = [str(segment.style) for strip in app.screen._compositor.render_strips() for segment in strip]
        app.register_theme(read_theme(find_theme("mistral-light")))
        app.theme = "mistral-light"
        await pilot.pause()
        after = [str(segment.style) for strip in app.screen._compositor.render_strips() for segment in strip]
        assert not set(before) & set(after)
