"""Which models, or which settings, are to answer a prompt beside one another."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.compare import LEAST, MOST, Contestant
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.compare.candidates import Candidate
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.text import printable_line

_BEGIN = "begin"
_LINE = 66
_LONGEST = 200
"""More characters of a text are not looked at."""


class CompareChoice(Dialog[tuple[Contestant, ...] | None], inherit_bindings=False):
    """Lets the person choose two to four; closes with them, or with `None`.

    Args:
        candidates: Whom to choose from.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        super().__init__()
        self._candidates = candidates
        able = [number for number, each in enumerate(candidates) if each.contestant is not None]
        self._chosen = set(able[:LEAST])

    def compose(self) -> ComposeResult:
        """Lay out the rows: first the one that begins."""
        with Vertical(classes="dialog", id="compare-choice"):
            yield Static("compare", classes="dialog-title", markup=False)
            yield Choices(Option(self._begin_row(), id=_BEGIN), *self._options(), markup=False)
            yield KeyHint("enter switches on or off · esc closes")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id == _BEGIN:
            if LEAST <= len(self._chosen) <= MOST:
                chosen = (self._candidates[number].contestant for number in sorted(self._chosen))
                self.dismiss(tuple(each for each in chosen if each is not None))
            return
        self._chosen ^= {int(event.option_id or 0)}
        event.option_list.replace_option_prompt(event.option_id or "", self._row(int(event.option_id or 0)))
        event.option_list.replace_option_prompt(_BEGIN, self._begin_row())

    def _options(self) -> list[Option]:
        options: list[Option] = []
        heading = ""
        for number, candidate in enumerate(self._candidates):
            if candidate.group != heading:
                heading = candidate.group
                options.append(Option(Content.styled(printable_line(heading), "$text-disabled"), disabled=True))
            options.append(Option(self._row(number), id=str(number), disabled=candidate.contestant is None))
        return options

    def _begin_row(self) -> Content:
        count = len(self._chosen)
        if LEAST <= count <= MOST:
            return Content.assemble(("▸ ", "$accent"), f"let these {count} answer")
        return Content.styled(f"  {count} are chosen; {LEAST} to {MOST} can answer", "$text-warning")

    def _row(self, number: int) -> Content:
        candidate = self._candidates[number]
        mark = "[x]" if number in self._chosen else "[ ]" if candidate.contestant is not None else "   "
        about = Content.styled(f"  {printable_line(candidate.about[:_LONGEST])}", "$text-muted")
        line = Content(f"{mark} {printable_line(candidate.name[:_LONGEST])}") + about
        return line.truncate(_LINE, ellipsis=True)
