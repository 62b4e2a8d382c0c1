"""A dialog in which a person types to find one of many things."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.tui.actions import ACTIONS, bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.text import printable_line

T = TypeVar("T")

_SHOWN = 100
"""Rows of the list."""
_WIDTH = 160
"""Cells of what stands in a row: two lines of the dialog."""


class SearchChoice(Dialog[T | None], Generic[T], inherit_bindings=False):
    """Shows what has all the words that are typed; closes with what is chosen, or with `None`.

    Args:
        title: What it is about.
        items: What there is, each with the words that it is shown by and what stands dim after them.
        empty: What is said if there is nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("asking")]
    AUTO_FOCUS = "Field"

    def __init__(self, title: str, items: Sequence[tuple[T, str, str]], empty: str) -> None:
        super().__init__()
        self._title = title
        self._items = items
        self._found: Sequence[tuple[T, str, str]] = items
        self._empty = empty

    def compose(self) -> ComposeResult:
        """Lay out the line to type in and the list."""
        with Vertical(classes="dialog search-choice"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Field("type to search")
            yield Choices(markup=False)
            yield KeyHint()

    def on_mount(self) -> None:
        """Show everything."""
        self._show("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    def action_answer(self) -> None:
        """Close with the marked row."""
        self._take(self.query_one(Choices).highlighted)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)

    async def on_key(self, event: events.Key) -> None:
        """Let the keys of the list move in it while the person types."""
        action = _LIST_KEYS.get(event.key)
        if action is not None and self.focused is not None and isinstance(self.focused, Field):
            event.stop()
            await self.query_one(Choices).run_action(action.binding_call)

    def _show(self, typed: str) -> None:
        words = typed.casefold().split()
        self._found = [
            item for item in self._items if all(word in f"{item[1]} {item[2]}".casefold() for word in words)
        ][:_SHOWN]
        choices = self.query_one(Choices)
        choices.clear_options()
        choices.add_options(
            Option(
                Content(printable_line(words)).truncate(_WIDTH, ellipsis=True)
                + Content.styled(f"  {printable_line(detail)}", "$text-muted")
            )
            for _, words, detail in self._found
        )
        if self._found:
            choices.highlighted = 0
        nothing = self._empty if not self._items else "nothing has all these words"
        hint = "enter chooses · ↑↓ move · esc closes"
        self.query_one(KeyHint).say(hint if self._found else f"{nothing} · esc closes")

    def _take(self, index: int | None) -> None:
        if index is not None and index < len(self._found):
            self.dismiss(self._found[index][0])


_LIST_KEYS = {
    key: action
    for action in ACTIONS
    if action.where == "choice" and action.id in ("cursor_up", "cursor_down")
    for key in action.keys
}
