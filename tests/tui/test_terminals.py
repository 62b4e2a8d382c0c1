"""Terminals with few colours, no colours, no Unicode, and the screen for those who listen to it."""

import asyncio
from typing import Any

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.glyphs import ASCII, SILENT
from mistral_tui.tui.settings.fields import FieldsScreen
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.tui.harness import DOCUMENT, ask, paste_and_send, pieces, screen_rows, started, until
from tests.tui.test_transcript import long_chat

pytestmark = pytest.mark.core


def app_for(*replies: Reply, **given: Any) -> MistralApp:
    return MistralApp(Workspace(FakePool(FakeEngine(list(replies) or [Reply()])), None, ENTRY), **given)


def drawn(pilot: Pilot[None]) -> list[Any]:
    """Return all segments as they go to the terminal."""
    app = pilot.app
    filters = app.get_line_filters()
    segments = []
    for strip in app.screen._compositor.render_strips():
        row = list(strip)
        for each in filters:
            row = each.apply(row, app.screen.background_colors[1])
        segments += row
    return segments


def text_of(pilot: Pilot[None]) -> str:
    return "".join(segment.text for segment in drawn(pilot))


def lines(pilot: Pilot[None]) -> list[str]:
    text, width = text_of(pilot), pilot.app.size.width
    return [text[start : start + width] for start in range(0, len(text), width)]


@pytest.mark.parametrize("table", [ASCII, SILENT], ids=["ascii", "silent"])
def test_a_sign_is_replaced_by_one_of_ascii_of_the_same_width(table: dict[int, str]) -> None:
    assert all(len(sign) == 1 and sign.isascii() for sign in table.values())


async def test_without_unicode_everything_is_ascii() -> None:
    async with app_for(Reply(pieces(DOCUMENT)), ascii_only=True).run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await ask(pilot, "What makes the tides?", paste_and_send)
        for key in ("f1", "escape", "alt+c", "escape", "ctrl+p", "escape"):
            await pilot.press(key)
            await pilot.pause()
            strange = {char for char in text_of(pilot) if not char.isascii()}
            assert not strange, f"after {key}: {strange}"


async def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with app_for().run_test() as pilot:
        app = await started(pilot)
        await ask(pilot, "hello")
        assert app.theme == "terminal"
        assert "━" + 7 * "─" in text_of(pilot), "how full the context is"
        await pilot.press("f6")
        await until(pilot, lambda: app.screen.query(".dialog"))
        styles = [segment.style for segment in drawn(pilot) if segment.style is not None]
        assert all(style.color is None or style.color.is_default for style in styles)
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        assert any(style.reverse for style in styles), "what is marked must be seen"


@pytest.mark.parametrize(
    ("term", "colorterm", "theme"),
    [("linux", "", "terminal"), ("xterm", "", "terminal"), ("xterm-256color", "", "mistral-dark")],
)
async def test_sixteen_colours_are_those_of_the_terminal(
    term: str, colorterm: str, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colorterm)
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with app_for().run_test() as pilot:
        app = await started(pilot)
        assert app.theme == theme
        if theme == "terminal":
            await ask(pilot, "hello")
            colours = {segment.style.color for segment in drawn(pilot) if segment.style and segment.style.color}
            assert all(colour.is_system_defined for colour in colours)


async def test_who_is_told_a_theme_gets_it_on_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with app_for(theme="fjord").run_test() as pilot:
        assert (await started(pilot)).theme == "fjord"


async def test_a_screen_that_is_listened_to_is_plain_lines_in_order() -> None:
    async with app_for(Reply(pieces("The Moon.\n\nAnd the Sun.")), screen_reader=True).run_test(
        size=(120, 36)
    ) as pilot:
        app = await started(pilot)
        await ask(pilot, "What makes the tides?", paste_and_send)
        assert not app.screen.query_one("#chats").display
        said = [line.strip() for line in lines(pilot) if line.strip()]
        assert said[:5] == ["You:", "What makes the tides?", "The model:", "The Moon.", "And the Sun."]
        drawing = {char for char in text_of(pilot) if not (char.isalnum() or char.isspace() or char in ".,:?!/+-")}
        assert not drawing


async def test_who_said_what_is_heard_of_older_messages_too() -> None:
    async with app_for(screen_reader=True).run_test() as pilot:
        app = await started(pilot)
        await app.pane.show_chat(long_chat(100))
        transcript = app.pane.transcript
        first = transcript.children[0]
        await until(pilot, lambda: transcript.at_end and transcript.max_scroll_y > 0)
        while first in transcript.children and transcript.children[0] is first:
            await pilot.press("pageup")
            await until(pilot, lambda: not transcript._moving)
        spoken = [view.rows_at(view.size.width)[0].content.plain for view in transcript.query(MessageView)]
        assert set(spoken) == {"You:", "The model:"}


async def test_what_is_listened_to_grows_by_lines() -> None:
    hold = asyncio.Event()
    reply = Reply(["The Moon pulls.\nThe ", *["Sun "] * 30, "too."], hold=hold)
    async with app_for(reply, screen_reader=True).run_test() as pilot:
        app = await started(pilot)
        await paste_and_send(pilot, "Tides?")
        await until(pilot, lambda: any("pulls." in row for row in screen_rows(app.screen)))
        hold.set()
        await until(pilot, lambda: not app.pane.chat.busy)
        await until(pilot, lambda: any("too." in row for row in screen_rows(app.screen)))
        assert app.pane.transcript.flushes == 1


async def test_dialogs_of_a_screen_that_is_listened_to_are_at_the_left_margin() -> None:
    async with app_for(screen_reader=True).run_test(size=(100, 24)) as pilot:
        app = await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: app.screen.query(".dialog"))
        assert app.screen.query_one(".dialog").region == (0, 0, 100, 24)
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await until(pilot, lambda: app.screen.query_one("CommandList").region.width > 90)


@pytest.mark.parametrize("place", ["prompt", "dialog"])
async def test_alt_with_a_letter_types_nothing(place: str) -> None:
    async with app_for().run_test() as pilot:
        app = await started(pilot)
        if place == "dialog":
            await pilot.press("f1")
            await until(pilot, lambda: app.screen.query(Input))
        # As terminals send it: escape and the letter, which Textual keeps as the key's character.
        app.post_message(events.Key("alt+c" if place == "prompt" else "alt+q", "q"))
        await pilot.pause()
        if place == "prompt":
            await until(pilot, lambda: isinstance(app.screen, FieldsScreen))
            assert app.pane.prompt.text == ""
        else:
            assert app.screen.query_one(Input).value == ""


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1bm\x1b[A", ["alt+m", "up"]),
        ("\x1bi\x1bj", ["alt+i", "alt+j"]),
        ("\x1bB.", ["alt+shift+b", "full_stop"]),
        ("\x1b1\x1b.\x1b ", ["alt+1", "alt+full_stop", "alt+space"]),
        ("\x1b\r\x1bOP", ["alt+enter", "f1"]),
        ("\x1b[109;3u", ["alt+m"]),
    ],
    ids=repr,
)
def test_alt_with_a_key_is_that_key_whatever_comes_after_it(sent: str, keys: list[str]) -> None:
    app_for()
    found = [event for event in XTermParser().feed(sent) if isinstance(event, events.Key)]
    assert [event.key for event in found] == keys
    assert not any(event.character for event in found if event.key.startswith("alt+")), "nothing to be typed"
