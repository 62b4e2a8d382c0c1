"""A text with all the room that there is: a call, or the log of a server."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.types.text import printable_line


class TextScreen(Dialog[None], inherit_bindings=False):
    """Shows it as it is when the screen is opened.

    Args:
        title: What it is.
        text: What to read.
        at_end: Whether its end is shown first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("reader")]
    AUTO_FOCUS = ""

    def __init__(self, title: str, text: Content, at_end: bool = False) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._at_end = at_end

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        with Vertical(classes="dialog", id="call"):
            yield Static(printable_line(self._title), classes="dialog-title", markup=False)
            with VerticalScroll(id="call-text", can_focus=False):
                yield Static(self._text, markup=False)
            yield KeyHint("↑↓ moves · page up, page down · esc closes")

    def on_mount(self) -> None:
        """Begin at the end, if that is what matters."""
        if self._at_end:
            self.call_after_refresh(self.query_one("#call-text").scroll_end, animate=False)

    def action_scroll(self, rows: int) -> None:
        """Scroll it."""
        self.query_one("#call-text").scroll_relative(y=rows, animate=False)
