"""The line of tabs, which is there when there is more than one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message

from mistral_tui.tui.actions import action
from mistral_tui.tui.clickable import Clickable, call_under
from mistral_tui.tui.context_menu import MenuWanted
from mistral_tui.types.text import printable_line

_MOST: Final = 24
"""Most columns of a tab."""
_CLOSED: Final = 10
"""Columns of a tab up to which there is no room for a cross."""
_CLOSE: Final = action("panes", "close_tab")
_NEW: Final = action("panes", "new_tab")


@dataclass(frozen=True)
class TabLabel:
    """What a tab is called."""

    title: str
    panes: int = 1
    answering: bool = False


class TabLine(Clickable):
    """Numbers and titles; a click goes there, closes the tab in view, or opens another one."""

    DEFAULT_CSS = "TabLine { height: 1; width: 1fr; padding: 0 1; color: $text-muted; display: none; }"

    @dataclass
    class Chosen(Message):
        """The person wants this tab."""

        line: "TabLine"
        index: int

        @property
        def control(self) -> "TabLine":
            """The widget that sent this message."""
            return self.line

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[TabLabel, ...] = ()
        self._current = 0
        self._ends: list[int] = []
        """The column behind each tab, as it was drawn."""
        self._first = 0
        """The first tab that was drawn."""

    def show(self, labels: Sequence[TabLabel], current: int) -> None:
        """Show these tabs."""
        shown = (tuple(labels), current)
        if shown != (self._labels, self._current):
            self._labels, self._current = shown
            self.refresh()
        self.display = len(labels) > 1

    def render(self) -> RenderResult:
        """As much of each title as there is room for; the tab in view always has a place."""
        room = self.size.width
        count = len(self._labels)
        each = max(5, min(_MOST, room // max(1, count) - 2))
        fitting = max(1, (room + 2) // (each + 2))
        self._first = max(0, min(self._current - fitting // 2, count - fitting))
        pieces, self._ends, end = [], [], 0
        for number, label in enumerate(self._labels[self._first : self._first + fitting], self._first):
            piece = self._piece(number, label).truncate(each, ellipsis=True)
            if number == self._current and each > _CLOSED:
                cross = self.link_to(_CLOSE, Content.styled(" ✕", "$text-muted"))
                piece = piece.truncate(each - 2, ellipsis=True) + cross
            end += piece.cell_length + 2
            pieces.append(piece)
            self._ends.append(end)
        if end < room:
            pieces.append(self.link_to(_NEW, Content.styled("+", "$text-muted")))
        return Content("  ").join(pieces)

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the mouse, and list what can be done with it if that is wanted."""
        wanted = MenuWanted.by(event, "tab")
        if call_under(event):
            return
        event.stop()
        for number, end in enumerate(self._ends, self._first):
            if event.x - 1 < end - 1:
                self.post_message(self.Chosen(self, number))
                break
        if wanted is not None:
            self.post_message(wanted)

    def _piece(self, number: int, label: TabLabel) -> Content:
        current = number == self._current
        title = printable_line(label.title) or "new chat"
        panes = f" +{label.panes - 1}" if label.panes > 1 else ""
        return Content.assemble(
            (f"{number + 1} ", "$accent" if current else "$text-disabled"),
            ("● " if label.answering else "", "$accent"),
            (title, "underline $foreground" if current else "$text-muted"),
            (panes, "$text-disabled"),
        )
