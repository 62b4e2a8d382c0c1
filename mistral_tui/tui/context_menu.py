"""What can be done with what the mouse points at, listed beside it."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mistral_tui.tui.actions import Action, bindings, key_label
from mistral_tui.tui.actions.menus import Menu, menu
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.models.template_choice import Choices

_RIGHT = 3
_GAP = 3
"""Cells between what is done and its key."""


@dataclass
class MenuWanted(Message):
    """The person pressed the right button of the mouse on something."""

    name: Menu
    at: Offset
    """Where, on the screen."""

    @classmethod
    def by(cls, event: events.Click, name: Menu) -> "MenuWanted | None":
        """Return the message if it was the right button; the click is dealt with then."""
        if event.button != _RIGHT:
            return None
        event.stop()
        event.prevent_default()
        return cls(name, event.screen_offset)


class ContextMenu(Dialog[Action | None], inherit_bindings=False):
    """Closes with what is to be done, or with `None`."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, name: Menu, at: Offset) -> None:
        super().__init__()
        self._actions = menu(name)
        self._at = at

    def compose(self) -> ComposeResult:
        """List the actions with their keys."""
        width = max(len(each.title) for each in self._actions)
        yield Choices(*(Option(_row(each, width), id=str(index)) for index, each in enumerate(self._actions)))

    def on_mount(self) -> None:
        """Go where the mouse is, as far as there is room."""
        rows = self.query_one(Choices)
        rows.styles.offset = self._at
        rows.styles.constrain_x = rows.styles.constrain_y = "inside"

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._actions[event.option_index])


def _row(action: Action, width: int) -> Content:
    key = key_label(action.keys[0]) if action.keys else f"/{action.slash[0]}" if action.slash else ""
    return Content.assemble(action.title.ljust(width + _GAP), (f"{key:>9}", "$text-disabled"))
