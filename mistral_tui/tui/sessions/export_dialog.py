"""Asks in which format and to which file a chat is exported."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.export.formats import ENDINGS, FORMATS, ExportFormat, file_name, format_of
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.sessions.line_dialog import dialog_line
from mistral_tui.types.text import printable_line

_WORDS: Final[dict[ExportFormat, str]] = {
    "markdown": "to read and to paste: the branch in view",
    "json": "everything, all branches; can be imported again",
    "jsonl": "the same, one message a line",
    "html": "one page for a browser: the branch in view",
}


@dataclass(frozen=True)
class Export:
    """What the person wants."""

    path: Path
    form: ExportFormat


class ExportDialog(Dialog[Export | None], inherit_bindings=False):
    """Closes with what the person wants, or with `None`; the arrows choose the format while a name is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("asking")]
    AUTO_FOCUS = "Field"

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """Lay out the formats and the name."""
        with Vertical(classes="dialog", id="export-dialog"):
            yield Static("export", classes="dialog-title", markup=False)
            yield Static(f"“{printable_line(self._title)}”", markup=False)
            yield Choices(
                *(
                    Option(Content(f"{form:<10}") + Content.styled(_WORDS[form], "$text-muted"), id=form)
                    for form in FORMATS
                ),
                markup=False,
            )
            yield dialog_line(file_name(self._title, "markdown"))
            yield KeyHint("↑ ↓ choose the format · enter writes the file · esc closes")

    @property
    def _line(self) -> Field:
        return self.query_one(Field)

    @property
    def _form(self) -> ExportFormat:
        return FORMATS[self.query_one(Choices).highlighted or 0]

    def on_key(self, event: events.Key) -> None:
        """Move among the formats also from the line."""
        if event.key in ("up", "down") and self._line.has_focus:
            event.stop()
            choices = self.query_one(Choices)
            choices.action_cursor_up() if event.key == "up" else choices.action_cursor_down()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        path = Path(self._line.value)
        if path.name and format_of(path) is not None:
            self._line.value = str(path.with_suffix(f".{ENDINGS[self._form]}"))
            self._line.cursor_position = len(self._line.value)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._line.focus()

    def action_answer(self) -> None:
        """Close with what the person wants."""
        if name := self._line.value.strip():
            self.dismiss(Export(Path(name), self._form))
