"""The values for the places of a prompt template."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mistral_tui.chat.prompt_templates import PromptTemplate
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line


class TemplateForm(Dialog[str | None], inherit_bindings=False):
    """A line for each place; closes with the prompt, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("asking")]
    AUTO_FOCUS = "Field"

    def __init__(self, template: PromptTemplate) -> None:
        super().__init__()
        self._template = template
        self._names = tuple(template.variables)

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        with Vertical(classes="dialog template-form"):
            yield Static(printable_line(self._template.title), classes="dialog-title", markup=False)
            with VerticalScroll(classes="template-fields", can_focus=False):
                for name, default in self._template.variables.items():
                    yield Static(name, classes="template-name", markup=False)
                    yield Field(printable_line(default))
            yield KeyHint("enter goes on, in the last line it is done · esc closes")

    def action_answer(self) -> None:
        """Go to the next line; in the last one, close with the prompt."""
        fields = list(self.query(Field))
        following = next((index for index, field in enumerate(fields) if field.has_focus), len(fields)) + 1
        if following < len(fields):
            fields[following].focus()
            return
        values = {name: field.value for name, field in zip(self._names, fields, strict=True)}
        try:
            self.dismiss(self._template.filled(values))
        except InvalidRequest as error:
            self.query_one(KeyHint).say(Content(str(error)))
            next((field for field in fields if not field.value and not field.placeholder), fields[0]).focus()
