"""What lies between panes and can be dragged: the line between columns, and the heading of a pane."""

from dataclasses import dataclass

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mistral_tui.tui.actions import action
from mistral_tui.tui.clickable import Clickable, call_under
from mistral_tui.tui.panes.tree import Path
from mistral_tui.types.text import printable_line

_CLOSE = action("panes", "close_pane")
ALL = "»"
"""Marks what goes to all panes."""


class Grip(Widget):
    """Something to take hold of with the mouse."""

    @dataclass
    class Dragged(Message):
        """The person drags it to this place of the screen."""

        grip: "Grip"
        x: int
        y: int

        @property
        def control(self) -> "Grip":
            """The widget that sent this message."""
            return self.grip

    @dataclass
    class Released(Message):
        """The person let it go."""

        grip: "Grip"

    def __init__(self) -> None:
        super().__init__()
        self._held = False

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold."""
        if event.button != 1 or call_under(event):
            return
        event.stop()
        self._held = True
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say where it is dragged to."""
        if self._held:
            event.stop()
            self.post_message(self.Dragged(self, int(event.screen_x), int(event.screen_y)))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        if self._held:
            event.stop()
            self._held = False
            self.release_mouse()
            self.post_message(self.Released(self))


class ColumnLine(Grip):
    """The line between two columns."""

    DEFAULT_CSS = "ColumnLine { color: $rule; } ColumnLine:hover { color: $accent; }"

    def __init__(self) -> None:
        super().__init__()
        self.path: Path = ()
        """The split that it divides."""

    def render(self) -> RenderResult:
        """Draw it."""
        return "\n".join("│" * max(1, self.size.height))


@dataclass(frozen=True)
class Heading:
    """What the heading of a pane says."""

    title: str = ""
    answering: bool = False
    broadcast: bool = False
    """Whether what is typed here goes to all panes."""
    place: str = ""
    """Which pane it is, where others are hidden."""


class PaneHead(Grip, Clickable):
    """One line above a pane; it is there when there are several. That of the pane in use is bright."""

    DEFAULT_CSS = """
    PaneHead { height: 1; width: 1fr; padding: 0 1; color: $text-muted; background: $surface; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._heading = Heading()

    def show(self, heading: Heading) -> None:
        """Say this."""
        if heading != self._heading:
            self._heading = heading
            self.refresh()

    def render(self) -> RenderResult:
        """Title at the left, the rest at the right."""
        width = self.size.width
        heading = self._heading
        to_all = (f"  {ALL} to all panes" if heading.broadcast else "", "$warning")
        right = Content.assemble(heading.place, to_all).truncate(max(0, width - 2), ellipsis=True)
        right += self.link_to(_CLOSE, Content.styled(" ✕", "$text-muted"))
        left = Content.assemble(
            ("● " if heading.answering else "", "$accent"), printable_line(heading.title) or "new chat"
        ).truncate(max(0, width - right.cell_length - 2), ellipsis=True)
        return left.pad_right(max(0, width - left.cell_length - right.cell_length)) + right
