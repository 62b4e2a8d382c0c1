"""The list of what a word may become, above the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import RenderResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from mistral_tui.tui.actions import ACTIONS, Action, bindings
from mistral_tui.types.text import printable_line

_ROWS = 8
"""Rows that are shown at once."""
_WIDTH = 70


@dataclass(frozen=True)
class Choice:
    """One thing that the word may become."""

    text: str
    """What takes the place of the word."""
    detail: str = ""
    """What it is, dim."""
    goes_on: bool = False
    """Whether there is more to type after it, such as a file in a folder or the argument of a command."""


_BY_KEY = {key: action for action in ACTIONS if action.where == "completion" for key in action.keys}


class CompletionList(Widget):
    """A few rows over the transcript; the prompt, which has the focus, hands it the keys that are for it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("completion")

    DEFAULT_CSS = """
    CompletionList {
        overlay: screen; constrain: inside inside; display: none; width: auto; height: auto; padding: 0 1;
        background: $surface; color: $foreground; link-style: none; link-color: $foreground;
        link-style-hover: none; link-color-hover: $accent; link-background-hover: $surface;
    }
    """

    @dataclass
    class Accepted(Message):
        """The person chose one."""

        completion: "CompletionList"
        choice: Choice
        send: bool
        """Whether the prompt is to be sent then, if nothing is missing."""

        @property
        def control(self) -> "CompletionList":
            """The list that sent this message."""
            return self.completion

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices: tuple[Choice, ...] = ()
        self._chosen = 0
        self._moved = False
        """Whether the person has gone through the list."""
        self._typed = ""
        self._whole = False

    def action_for(self, key: str, typed: str) -> Action | None:
        """Return what a key does here, with this text before the cursor; `None`: it is for the prompt.

        What is offered may be for what was typed a key ago: that is not taken. What is whole is sent as it is.
        """
        if not self.choices or typed != self._typed:
            return None
        action = _BY_KEY.get(key)
        if action is not None and action.id == "completion_send" and self._whole and not self._moved:
            return None
        return action

    def show(self, choices: Sequence[Choice], typed: str, whole: bool = False) -> None:
        """Offer these for what is typed before the cursor; none of them closes the list.

        Args:
            choices: What it may become.
            typed: The line up to the cursor.
            whole: Whether it may be sent as it is, too.
        """
        self._typed, self._whole = typed, whole
        if tuple(choices) == self.choices:
            return
        self.choices = tuple(choices)
        self._chosen = 0
        self._moved = False
        rows = min(_ROWS, len(self.choices))
        self.display = rows > 0
        self.styles.offset = (0, -rows)
        self.refresh(layout=True)

    def close(self) -> None:
        """Offer nothing."""
        self.show((), "")

    def action_completion_up(self) -> None:
        """Mark the choice above, or the last."""
        self._move(-1)

    def action_completion_down(self) -> None:
        """Mark the choice below, or the first."""
        self._move(1)

    def action_completion_take(self) -> None:
        """Take the choice that is marked."""
        self._accept(send=False)

    def action_completion_send(self) -> None:
        """Take the choice that is marked, and send the prompt if nothing is missing then."""
        self._accept(send=True)

    def action_completion_close(self) -> None:
        """Offer nothing until more is typed."""
        self.close()

    def _move(self, by: int) -> None:
        self._chosen = (self._chosen + by) % len(self.choices)
        self._moved = True
        self.refresh()

    def _accept(self, send: bool) -> None:
        choice = self.choices[self._chosen]
        self.close()
        self.post_message(self.Accepted(self, choice, send))

    def action_take(self, index: int) -> None:
        """Take the choice that was clicked."""
        self._chosen = index
        self._accept(send=False)

    def render(self) -> RenderResult:
        """Return the rows around the marked one."""
        first = max(0, min(self._chosen - _ROWS // 2, len(self.choices) - _ROWS))
        shown = self.choices[first : first + _ROWS]
        room = min(_WIDTH, max(20, self.app.size.width - 8))
        names = [Content(printable_line(choice.text)).truncate(room, ellipsis=True) for choice in shown]
        column = max((name.cell_length for name in names), default=0)
        rows = []
        for index, (choice, name) in enumerate(zip(shown, names, strict=True), start=first):
            detail = Content.styled(printable_line(choice.detail), "$text-muted").truncate(
                max(0, room - column), ellipsis=True
            )
            row = Content(" ") + name.pad_right(column - name.cell_length) + ("  " if detail else "") + detail
            rows.append(row.stylize(Style.from_meta({"@click": f"take({index})"})))
        width = max((row.cell_length for row in rows), default=0) + 1
        rows = [row.pad_right(width - row.cell_length) for row in rows]
        marked = self._chosen - first
        rows[marked : marked + 1] = [row.stylize("on $selected") for row in rows[marked : marked + 1]]
        return Content("\n").join(rows)
