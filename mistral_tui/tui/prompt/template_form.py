"""The values for the places of a prompt template."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mistral_tui.chat.prompt_templates import PromptTemplate
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.prompt.graphemes import GraphemeTextArea
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line


class PlaceValue(GraphemeTextArea):
    """What is to stand in a place: a word, or a letter of many lines that is pasted."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("place")

    @dataclass
    class Left(Message):
        """The person goes to the place before this one, or to the one after it."""

        value: "PlaceValue"
        by: int

        @property
        def control(self) -> "PlaceValue":
            """The place that sent this message."""
            return self.value

    def __init__(self, default: str) -> None:
        super().__init__(compact=True, highlight_cursor_line=False, placeholder=default)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.prevent_default()  # it is for the form

    def action_place_before(self) -> None:
        """Move up; from the first line, to the place before."""
        if self.wrapped_document.location_to_offset(self.cursor_location).y > 0:
            self.action_cursor_up()
        else:
            self.post_message(self.Left(self, -1))

    def action_next_place(self) -> None:
        """Move down; from the last line, to the next place."""
        if self.wrapped_document.location_to_offset(self.cursor_location).y < self.wrapped_document.height - 1:
            self.action_cursor_down()
        else:
            self.post_message(self.Left(self, 1))


class TemplateForm(Dialog[str | None], inherit_bindings=False):
    """A box for each place; closes with the prompt, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("asking")]
    AUTO_FOCUS = "PlaceValue"

    def __init__(self, template: PromptTemplate) -> None:
        super().__init__()
        self._template = template
        self._names = tuple(template.variables)

    def compose(self) -> ComposeResult:
        """Lay out the boxes."""
        with Vertical(classes="dialog template-form"):
            yield Static(printable_line(self._template.title), classes="dialog-title", markup=False)
            with VerticalScroll(classes="template-fields", can_focus=False):
                for name, default in self._template.variables.items():
                    yield Static(name, classes="template-name", markup=False)
                    yield PlaceValue(printable_line(default))
            yield KeyHint("enter goes on, at the end it is done · ↑↓ move · esc closes")

    @property
    def _values(self) -> list[PlaceValue]:
        return list(self.query(PlaceValue))

    @property
    def _current(self) -> int:
        return next((index for index, value in enumerate(self._values) if value.has_focus), 0)

    @on(PlaceValue.Left)
    def _left(self, event: PlaceValue.Left) -> None:
        event.stop()
        self._go(event.by)

    def _go(self, by: int) -> None:
        values = self._values
        self.set_focus(values[max(0, min(self._current + by, len(values) - 1))])

    def action_answer(self) -> None:
        """Go to the next place; from the last one, close with the prompt."""
        values = self._values
        if self._current + 1 < len(values):
            self._go(1)
            return
        texts = {name: value.text for name, value in zip(self._names, values, strict=True)}
        try:
            self.dismiss(self._template.filled(texts))
        except InvalidRequest as error:
            self.query_one(KeyHint).say(Content(str(error)))
            self.set_focus(next((value for value in values if not value.text and not value.placeholder), values[0]))
