"""Themes: files that name colours, and what happens when they are wrong."""

from pathlib import Path

import pytest
from textual.color import Color

from mistral_tui.tui.settings.themes import DEFAULT, find_theme, read_theme, theme_files
from mistral_tui.types.errors import ConfigError
from tests.tui.harness import app_with, ask, started, until

pytestmark = pytest.mark.core

GOOD = 'dark = true\n[colors]\nprimary = "#ff0000"\n'


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


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""

    def luminance(color: Color) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


PAGES = ("background", "surface", "panel")
LEAST = {
    "foreground": (7, (*PAGES, "selected")),
    "text-muted": (4.5, (*PAGES, "selected")),
    "text-disabled": (3, PAGES),
    "accent": (3, (*PAGES, "selected")),
    "heading": (4.5, ("background",)),
    "code-foreground": (7, ("code-background",)),
    "text-accent": (4.5, (*PAGES, "code-background")),
    "text-success": (4.5, (*PAGES, "code-background")),
    "text-warning": (4.5, (*PAGES, "code-background")),
    "text-error": (4.5, (*PAGES, "code-background")),
    "error": (3, PAGES),
    "warning": (3, PAGES),
    "success": (3, PAGES),
}
"""The least contrast of a colour, and what it is written on."""


@pytest.mark.parametrize("path", theme_files(), ids=lambda path: path.stem)
def test_every_text_of_a_shipped_theme_can_be_read(path: Path) -> None:
    theme = read_theme(path)
    colors = {**theme.to_color_system().generate(), **theme.variables}
    if theme.ansi:
        # The terminal knows its own colours; ours must all be among them, and text those it is made for.
        assert all(value.startswith("ansi_") for value in (theme.primary, *theme.variables.values()))
        assert theme.foreground == theme.background == theme.variables["text-muted"] == "ansi_default"
        return
    for name, (least, pages) in LEAST.items():
        for page in pages:
            found = contrast(Color.parse(colors[name]), Color.parse(colors[page]))
            assert found >= least, f"{name} on {page} of {path.stem}: {found:.2f}"


def test_there_are_themes_for_every_eye() -> None:
    themes = [read_theme(path) for path in theme_files()]
    assert len(themes) >= 8
    assert {theme.dark for theme in themes} == {True, False}
    assert any(theme.ansi for theme in themes)
    assert {"high-contrast", "high-contrast-light"} <= {theme.name for theme in themes}


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
        ("not toml at all", "line 1: not valid TOML"),
        ('[colors]\nprimary = "#ff0000"\nbackgruond = "#000000"\n', "line 3, colors.backgruond is no colour"),
        ('[colors]\nprimary = "rainbow"\n', "line 2, colors.primary is 'rainbow'"),
        ('[colors]\nprimary = "red"\n[variables]\nprimary = "#12"', "line 4, variables.primary is '#12'"),
        ('[colors]\naccent = "#ffffff"\n', "colors.primary is missing"),
        ("colors = 3\n", "line 1, colors must be a table"),
        ('dark = "no"\n[colors]\nprimary = "red"\n', "line 1, dark must be true or false"),
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
