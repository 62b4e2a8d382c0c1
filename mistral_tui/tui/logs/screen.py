"""The screen of logs: those of the workers and of this process, followed as they grow."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.logs.lines import LEVELS, LogLine, RecentLog, log_files, read_log
from mistral_tui.types.text import printable_line

INTERVAL = 1.0
"""Seconds between two looks while the screen is open."""
SHOWN = 500
"""Most lines that are shown."""
_STYLES = {"info": "$text-muted", "warning": "$text-warning", "error": "$text-error"}
_MARKS = {"info": "  ", "warning": "! ", "error": "✗ "}


class LogScreen(Dialog[None], inherit_bindings=False):
    """Shows the end of a log; what is typed filters it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("reader"), *bindings("logs")]
    AUTO_FOCUS = "#logs-filter"

    def __init__(self, folder: Path, recent: RecentLog) -> None:
        """Show the logs.

        Args:
            folder: Where those of the workers are.
            recent: That of this process.
        """
        super().__init__()
        self._folder = folder
        self._recent = recent
        self._source = 0
        self._level = 0
        self._lines: Sequence[LogLine] = ()
        self._shown_name = ""

    def compose(self) -> ComposeResult:
        """Lay out title, filter and lines."""
        with Vertical(classes="dialog", id="logs"):
            yield Static(id="logs-title", classes="dialog-title", markup=False)
            yield Field("type to filter", id="logs-filter")
            with VerticalScroll(id="logs-text", can_focus=False):
                yield Static(id="logs-lines", markup=False)
            yield KeyHint("alt+n: another log · alt+w: from which level · esc closes")

    async def on_mount(self) -> None:
        """Read now, and again as long as it is open."""
        await self._read()
        self.set_interval(INTERVAL, self._read)

    async def action_next_log(self) -> None:
        """Show another log."""
        self._source += 1
        self._lines = ()
        await self._read()

    def action_next_level(self) -> None:
        """Show warnings and errors only, errors only, or all."""
        self._level = (self._level + 1) % len(LEVELS)
        self._show()

    def action_scroll(self, rows: int) -> None:
        """Scroll the lines."""
        self.query_one("#logs-text").scroll_relative(y=rows, animate=False)

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    async def _read(self) -> None:
        files = await asyncio.to_thread(log_files, self._folder)
        index = self._source % (len(files) + 1)
        # The newest worker first, this process last.
        name, lines = (
            (files[index].stem, await asyncio.to_thread(read_log, files[index]))
            if index < len(files)
            else ("this program", tuple(self._recent.lines))
        )
        if lines != self._lines or name != self._shown_name:
            self._shown_name, self._lines = name, lines
            self._show()

    def _show(self) -> None:
        words = self.query_one("#logs-filter", Input).value.lower().split()
        found = [
            line
            for line in self._lines
            if LEVELS.index(line.level) >= self._level and all(word in line.text.lower() for word in words)
        ]
        level = "" if not self._level else f" · {LEVELS[self._level]}s" + (" and errors" if self._level == 1 else "")
        lines = f"{len(found):,} {'line' if len(found) == 1 else 'lines'}"
        self.query_one("#logs-title", Static).update(f"log of {printable_line(self._shown_name)}{level} · {lines}")
        shown = [Content.styled(f"{_MARKS[line.level]}{line.text}", _STYLES[line.level]) for line in found[-SHOWN:]]
        empty = Content.styled("nothing here" if self._lines else "nothing was logged yet", "$text-disabled")
        self.query_one("#logs-lines", Static).update(Content("\n").join(shown) if shown else empty)
        self.call_after_refresh(self.query_one("#logs-text").scroll_end, animate=False)
