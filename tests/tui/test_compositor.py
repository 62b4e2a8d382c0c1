"""What is drawn piece by piece is what drawing everything would show."""

import asyncio

import pyte
import pytest
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot
from textual.screen import Screen

from mistral_tui.tui.app import MistralApp
from tests.stubs.engines import Reply
from tests.tui.harness import DOCUMENT, app_with, ask, main_screen, paste_and_send, pieces, started, until

pytestmark = pytest.mark.core


class Terminal:
    """A terminal that shows what an app writes."""

    def __init__(self, app: MistralApp, columns: int, rows: int) -> None:
        self._app = app
        self.shown = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.shown)

    def display(self, screen: Screen[None], update: object) -> None:
        """Take what the app would write."""
        if isinstance(update, CompositorUpdate):
            self._stream.feed(update.render_segments(self._app.console))

    def differences(self) -> list[str]:
        """Return the rows that are not as they would be if everything were drawn now."""
        whole = pyte.Screen(self.shown.columns, self.shown.lines)
        strips = self._app.screen._compositor.render_strips()
        pyte.Stream(whole).feed("\r\n".join(strip.render(self._app.console) for strip in strips))
        pairs = zip(self.shown.display, whole.display, strict=True)
        return [
            f"{y}: {mine!r}, not {theirs!r}"
            for y, (mine, theirs) in enumerate(pairs)
            if dict(self.shown.buffer[y]) != dict(whole.buffer[y])
        ]


async def same(pilot: Pilot[None], terminal: Terminal, what: str) -> None:
    """Wait until the terminal shows everything as it is."""
    await pilot.pause()
    await until(pilot, lambda: not terminal.differences(), f"the same picture after {what}")


async def test_what_is_drawn_piece_by_piece_is_what_drawing_everything_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = asyncio.Event()
    app = app_with(*[Reply(pieces(DOCUMENT))] * 3, Reply(pieces(DOCUMENT * 2, 40), hold=hold))
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot)
        terminal = Terminal(app, 80, 24)
        monkeypatch.setattr(app, "_display", terminal.display)
        app.screen.refresh()
        await same(pilot, terminal, "the start")
        for _ in range(3):
            await ask(pilot, "What makes the tides?", paste_and_send)
        await same(pilot, terminal, "three replies")
        for keys in (["pageup"] * 3, ["pagedown"], ["f2"], ["escape"], ["alt+m", "up", "space"], ["escape"], ["f1"]):
            await pilot.press(*keys)
            await same(pilot, terminal, " ".join(keys))
        await pilot.press("escape")
        app.notify("hello")
        await same(pilot, terminal, "a toast")
        app.clear_notifications()
        await same(pilot, terminal, "no toast")
        await main_screen(app).panes.action_split("right")
        await same(pilot, terminal, "a split")
        await paste_and_send(pilot, "And the Moon?")
        await until(pilot, lambda: app.pane.last_reply)
        await same(pilot, terminal, "half a reply")
        hold.set()
        await until(pilot, lambda: not app.pane.chat.busy and not app.pane.status.figures.state)
        await same(pilot, terminal, "a reply in a pane")
        await main_screen(app).panes.action_close_pane()
        await same(pilot, terminal, "one pane again")
