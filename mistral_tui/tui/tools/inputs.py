"""Asks for the values that a server waits for: `${input:…}` of its configuration. They are kept nowhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mistral_tui.chat.tool_form import FormField, Kind
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.tools.form import FormLines
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line

if TYPE_CHECKING:
    from mistral_tui.tools.mcp.config import McpInput


class InputsDialog(Dialog[dict[str, str]], inherit_bindings=False):
    """Closes with the values, by the ids of the inputs.

    Args:
        name: Which server waits.
        inputs: What for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("form"), *bindings("asking")]
    AUTO_FOCUS = "Field"

    def __init__(self, name: str, inputs: "Sequence[McpInput]") -> None:
        super().__init__()
        self._server = name
        self._form = FormLines([_field(each) for each in inputs])

    def compose(self) -> ComposeResult:
        """Lay out a line for each value."""
        with Vertical(classes="dialog", id="inputs"):
            yield Static(f"{printable_line(self._server)} waits for this", classes="dialog-title", markup=False)
            with VerticalScroll(id="inputs-text", can_focus=False):
                yield self._form
            yield Static(
                Content.styled("kept until the program ends, and written nowhere", "$text-muted"), id="inputs-say"
            )
            yield KeyHint("enter starts the server · tab next line · esc")

    def action_answer(self) -> None:
        """Take the values, if all are there."""
        try:
            values = {id: str(value) for id, value in self._form.values().items()}
            if missing := [id for id, value in values.items() if not value]:
                raise InvalidRequest(f"{missing[0]} is needed")
            self.dismiss(values)
        except InvalidRequest as error:
            say = Content.styled(printable_line(str(error)), "$text-error")
            self.query_one("#inputs-say", Static).update(say)


def _field(asked: "McpInput") -> FormField:
    kind: Kind = "choice" if asked.options else "text"
    return FormField(
        asked.id, kind, True, asked.description, asked.options, asked.default, asked.password and not asked.options
    )
