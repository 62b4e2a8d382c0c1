"""A line of text to type into; its keys are those of the registry."""

from typing import ClassVar, Self

from textual import events
from textual.binding import BindingType
from textual.widgets import Input

from mistral_tui.tui.actions import bindings
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

    async def _on_key(self, event: events.Key) -> None:
        if event.key.startswith("alt+"):
            event.prevent_default()  # terminals send a letter along, which is not to be typed
