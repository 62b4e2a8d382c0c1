"""Asks for one line: a title, tags, a file."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.types.text import printable_line


class LineDialog(Dialog[str | None], inherit_bindings=False):
    """Closes with what was typed, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("asking")]
    AUTO_FOCUS = "Field"

    def __init__(self, title: str, words: str, text: str = "", placeholder: str = "", done: str = "keeps it") -> None:
        """Ask.

        Args:
            title: What it is about.
            words: What to type.
            text: What stands there already.
            placeholder: An example, where nothing stands.
            done: What enter does.
        """
        super().__init__()
        self._title = title
        self._words = words
        self._text = text
        self._placeholder = placeholder
        self._done = done

    def compose(self) -> ComposeResult:
        """Lay out the question and the line."""
        with Vertical(classes="dialog line-dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Static(printable_line(self._words), markup=False)
            yield dialog_line(printable_line(self._text), self._placeholder)
            yield KeyHint(f"enter {self._done} · esc leaves it as it is")

    def action_answer(self) -> None:
        """Close with what was typed."""
        self.dismiss(self.query_one(Field).value)


def dialog_line(text: str, placeholder: str = "") -> Field:
    """Return a line of a dialog with what stands there already."""
    field = Field(placeholder)
    field.value = text
    return field
