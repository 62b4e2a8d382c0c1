"""One call on a screen of its own: arguments and result, with all the room that there is."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.tools.call_text import call_text
from mistral_tui.types.tools import ToolRun


class CallScreen(Dialog[None], inherit_bindings=False):
    """Shows a call as it is when the screen is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("reader")]
    AUTO_FOCUS = ""

    def __init__(self, run: ToolRun) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        """Lay out the call."""
        with Vertical(classes="dialog", id="call"):
            with VerticalScroll(id="call-text", can_focus=False):
                yield Static(call_text(self._run), markup=False)
            yield KeyHint("↑↓ moves · page up, page down · esc closes")

    def action_scroll(self, rows: int) -> None:
        """Scroll it."""
        self.query_one("#call-text").scroll_relative(y=rows, animate=False)
