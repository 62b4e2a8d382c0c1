"""The lines of a form: a label and a field for each value."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Static

from mistral_tui.chat.tool_form import FormField, form_arguments
from mistral_tui.tui.field import Field
from mistral_tui.types.messages import Json
from mistral_tui.types.text import printable_line


class FormLines(Vertical):
    """Takes values.

    Args:
        fields: What is asked for.
    """

    DEFAULT_CSS = "FormLines { height: auto; }"

    def __init__(self, fields: Sequence[FormField]) -> None:
        super().__init__()
        self._fields = fields

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        for number, field in enumerate(self._fields):
            yield Static(_label(field), markup=False)
            line = Field(_placeholder(field), id=f"line-{number}")
            line.value = field.value
            line.password = field.masked
            if field.choices:
                line.suggester = SuggestFromList(field.choices)
            yield line

    def values(self) -> Json:
        """Return what the lines say.

        Raises:
            InvalidRequest: One says nothing that fits; says which.
        """
        lines = {field.name: self.query_one(f"#line-{number}", Field) for number, field in enumerate(self._fields)}
        return form_arguments(self._fields, {name: line.value for name, line in lines.items()})


def _label(field: FormField) -> Content:
    name = printable_line(field.name) or "other arguments"
    return Content.assemble(
        (name, "bold"), (" *" if field.required else "", "$accent"), (f"  {printable_line(field.about)}", "$text-muted")
    )


def _placeholder(field: FormField) -> str:
    return printable_line(" | ".join(field.choices))[:60] if field.choices else field.kind
