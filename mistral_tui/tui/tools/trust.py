"""Asks whether a server of a project may be started: what would run, and what of it has changed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.tools.text import diff_content
from mistral_tui.types.text import printable_line


class TrustDialog(Dialog[bool], inherit_bindings=False):
    """Closes with whether the person agrees.

    Args:
        name: Which server would be started.
        source: The file that says so.
        now: What it would run, in lines.
        before: What it was when the person agreed to it; `None`: they never did.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, name: str, source: str, now: Sequence[str], before: Sequence[str] | None) -> None:
        super().__init__()
        self._server = name
        self._now = now
        self._source = source
        self._before = before

    def compose(self) -> ComposeResult:
        """Lay out what would run, and the question."""
        with Vertical(classes="dialog", id="trust"):
            title = f"may {printable_line(self._server)} be started?"
            yield Static(title, classes="dialog-title", markup=False)
            changed = " It is not what you agreed to before." if self._before is not None else ""
            words = f"{printable_line(self._source)} is the project's: others may have written it.{changed}"
            yield Static(words, markup=False)
            with VerticalScroll(id="trust-text", can_focus=False):
                yield Static(self._text(), markup=False)
            yield Choices(
                Option("No", id="no"), Option("Yes: start it, now and in the next runs", id="yes"), markup=False
            )
            yield KeyHint("enter answers · esc leaves it as it is")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id == "yes")

    def _text(self) -> Content:
        if self._before is None:
            return Content("\n").join([Content(line) for line in self._now])
        import difflib

        lines = difflib.ndiff(list(self._before), list(self._now))
        return diff_content([line for line in lines if not line.startswith("?")])
