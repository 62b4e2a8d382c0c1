"""The system prompt of a chat, to be edited."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from mistral_tui.tui.actions import action, bindings, key_labels
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.prompt.graphemes import GraphemeTextArea
from mistral_tui.types.text import printable


class SystemPrompt(Dialog[str | None], inherit_bindings=False):
    """Lets the person write; closes with the text, or with `None` if it is to stay as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("system_prompt")]
    AUTO_FOCUS = "#system-text"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        with Vertical(classes="dialog", id="system-prompt"):
            yield Static("system prompt of this chat", classes="dialog-title", markup=False)
            yield GraphemeTextArea(
                printable(self._text),
                id="system-text",
                compact=True,
                highlight_cursor_line=False,
                placeholder="You are a helpful assistant that answers in one sentence.",
            )
            keys = key_labels(action("system_prompt", "keep"))
            yield KeyHint(f"{keys} sets · esc leaves it as it was")

    def on_mount(self) -> None:
        """The cursor stands still, behind the text."""
        area = self.query_one(TextArea)
        area.cursor_blink = False
        area.move_cursor(area.document.end)

    def action_keep(self) -> None:
        """Close with the text as it is now."""
        self.dismiss(self.query_one(TextArea).text)
