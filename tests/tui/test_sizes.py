"""Terminals of any size, also absurd ones."""

import asyncio
import re
from itertools import combinations
from pathlib import Path

import pytest
from textual.widgets import OptionList

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.tui.chat.welcome import ModelState, Welcome
from mistral_tui.tui.key_hint import KeyHint
from tests.stubs.engines import FakePool, Reply
from tests.tui.harness import (
    DOCUMENT,
    app_with,
    ask,
    main_screen,
    paste_and_send,
    pieces,
    screen_rows,
    shown_text,
    started,
    until,
)
from tests.tui.sessions.stored import app_on

pytestmark = pytest.mark.core


SCREENS = {
    "the chat": (),
    "its messages": ("alt+m",),
    "the list of chats": ("f2",),
    "a search": ("alt+h", "h", "e"),
    "a new title": ("f2", "alt+r"),
    "tags": ("f2", "alt+t"),
    "export": ("f2", "alt+e"),
    "import": ("f2", "alt+i"),
    "code to be saved": ("alt+m", "s"),
    "help": ("f1",),
    "all commands": ("ctrl+p",),
    "models": ("f11",),
    "a file to be added": ("f11", "ctrl+o"),
    "settings": ("alt+c",),
    "parameters": ("alt+p",),
    "a parameter": ("alt+p", "enter"),
    "the system prompt": ("alt+s",),
    "presets": ("alt+o",),
    "chat templates": ("f6",),
    "colours": ("f9",),
    "logs": ("alt+j",),
    "older prompts": ("alt+q",),
    "figures": ("alt+i",),
    "calls of tools": ("alt+k",),
    "servers of tools": ("alt+v",),
    "keys of panes": ("ctrl+s",),
    "two panes": ("ctrl+s", "v"),
}
"""What opens them, from the prompt."""


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_is_usable_at_forty_by_twelve_and_survives_less(name: str, tmp_path: Path) -> None:
    async with app_on(tmp_path / "chats.sqlite", Reply(pieces(DOCUMENT))).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello", paste_and_send)
        for key in SCREENS[name]:
            await pilot.press(key)
        await pilot.pause()
        screen, focused, rows = app.screen, app.focused, screen_rows(app.screen)
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: app.screen.size == (40, 12))
        if focused is not None:
            seen = focused.region.intersection(app.screen.region)
            assert seen.width >= 16, "what takes the keys is out of sight"
            assert seen.height >= (2 if isinstance(focused, OptionList) else 1)
        for hint in app.screen.query(KeyHint):
            assert hint.region.bottom <= 12
        for size in ((20, 5), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
        await until(pilot, lambda: app.screen.size == (80, 24))
        assert (app.screen, app.focused) == (screen, focused)
        await until(pilot, lambda: words_of(screen_rows(app.screen)) == words_of(rows), "what was there")
        assert_apart(app)


def words_of(rows: list[str]) -> str:
    """Return what stands on a screen, without scrollbars and numbers, which go on."""
    return " ".join(re.sub(r"[▁-█\d]", " ", " ".join(rows)).split())


def assert_apart(app: MistralApp) -> None:
    """Assert that no two parts that are laid out beside one another lie over one another, or out of the screen."""
    for parent in app.screen.walk_children():
        parts = [each for each in parent.children if each.display and each.region and each.styles.layer != "over"]
        for one, other in combinations(parts, 2):
            if one.layer == other.layer and not one.absolute_offset and not other.absolute_offset:
                assert not one.region.overlaps(other.region), f"{one} lies over {other}"


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 5), (40, 10), (300, 100)])
async def test_it_starts_and_chats_at(size: tuple[int, int]) -> None:
    async with app_with(Reply(pieces(DOCUMENT))).run_test(size=size) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        await pilot.press("f1")
        await pilot.press("escape")
        await pilot.press("f2", "f2", "ctrl+n")
        assert app.is_running


async def test_it_survives_being_made_tiny_and_large_again() -> None:
    async with app_with(Reply(pieces(DOCUMENT))).run_test(size=(120, 36)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        for size in ((1, 1), (120, 36), (20, 5), (2, 50), (200, 2), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await until(pilot, lambda: "Time and tide" in shown_text(app.pane.transcript))
        await ask(pilot, "again")


async def test_at_eighty_by_twenty_four_chat_prompt_and_status_are_there() -> None:
    async with app_with(Reply(pieces(DOCUMENT))).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert not main_screen(app).chats.display
        rows = screen_rows(app.screen)
        assert rows[-4].startswith("────")
        assert rows[-3].startswith(f" {GLYPH} ")
        assert "/2,048" in rows[-2]
        assert "help" in rows[-1]
        assert app.pane.transcript.size.height >= 19


async def test_at_forty_columns_what_is_going_on_is_said_and_the_welcome_keeps_its_margin() -> None:
    async with app_with(pool=FakePool(hold=asyncio.Event())).run_test(size=(40, 12)) as pilot:
        app = pilot.app
        assert isinstance(app, MistralApp)
        app.pane.show_model(ModelState("SmolLM2-135M-Instruct-Q4_1", "98 MB", 0.8, "checking that it works"))
        await until(pilot, lambda: "checking 80%" in shown_text(app.pane.status))
        assert "……" not in shown_text(app.pane.status)
        assert all(row.startswith("   ") for row in shown_text(app.pane.query_one(Welcome)).split("\n"))


async def test_lines_of_text_are_not_longer_than_a_hundred_columns() -> None:
    async with app_with(Reply(["word " * 200])).run_test(size=(200, 40)) as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert max(len(row.rstrip()) for row in shown_text(app.pane.transcript).split("\n")) <= 104
