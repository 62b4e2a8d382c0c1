"""A line of text to type into; its keys are those of the registry."""

from bisect import bisect_left, bisect_right
from typing import ClassVar, Self

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.widgets import Input
from textual.widgets.input import Selection

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.characters import GraphemeText, borders, written_by
from mistral_tui.types.text import printable


class Field(Input, inherit_bindings=False):
    """One line. Enter, and what moves in a list beside it, are left to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("field")

    def __init__(self, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Keep out what steers a terminal: a title or a name that is to be changed may have come from elsewhere."""
        return printable(value)

    def focus(self, scroll_visible: bool = True) -> Self:
        """Take the focus at once: keys that are typed already are meant for it."""
        if self.is_attached:
            self.screen.set_focus(self, scroll_visible)
        return self

    def validate_selection(self, selection: Selection) -> Selection:
        """Keep both ends of the selection between characters as people see them."""
        start, end = super().validate_selection(selection)
        if self.value.isascii():
            return Selection(start, end)
        places = borders(self.value)
        return Selection(*(places[bisect_right(places, place) - 1] for place in (start, end)))

    def action_cursor_right(self, select: bool = False) -> None:
        """Move past the character at the right."""
        places = borders(self.value)
        if self.selection.is_empty and not select and not self.cursor_at_end:
            self.cursor_position = places[bisect_right(places, self.cursor_position)]
        else:
            super().action_cursor_right(select)

    def delete(self, start: int, end: int) -> None:
        """Delete a stretch of the line, with the whole of the characters at its ends."""
        start, end = sorted((max(0, start), min(len(self.value), end)))
        places = borders(self.value)
        super().delete(places[bisect_right(places, start) - 1], places[bisect_left(places, end)])

    @property
    def _value(self) -> Text:
        return GraphemeText(super()._value.plain, no_wrap=True, overflow="ignore", end="")

    async def _on_key(self, event: events.Key) -> None:
        if event.key.startswith("alt+"):
            event.prevent_default()  # terminals send a letter along, which is not to be typed
        elif character := written_by(event):
            event.stop()
            event.prevent_default()
            self.replace(character, *self.selection)
