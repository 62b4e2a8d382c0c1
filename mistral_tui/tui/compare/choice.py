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
from mistral_tui.tui.compare.candidates import with_settings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.models.loading import describe
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.types.text import printable_line

_BEGIN = "begin"


class CompareChoice(Dialog[tuple[Contestant, ...] | None], inherit_bindings=False):
    """Lets the person choose two to four; closes with them, or with `None`.

    Args:
        candidates: Whom to choose from.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, candidates: Sequence[Contestant]) -> None:
        super().__init__()
        self._candidates = candidates
        self._chosen = set(range(min(LEAST, len(candidates))))

    def compose(self) -> ComposeResult:
        """Lay out the rows: first the one that begins."""
        with Vertical(classes="dialog", id="compare-choice"):
            yield Static("compare", classes="dialog-title", markup=False)
            yield Choices(Option(self._begin_row(), id=_BEGIN), *self._options(), markup=False)
            yield Static("enter switches on or off · esc closes", classes="dialog-hint", markup=False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id == _BEGIN:
            if LEAST <= len(self._chosen) <= MOST:
                self.dismiss(tuple(self._candidates[number] for number in sorted(self._chosen)))
            return
        self._chosen ^= {int(event.option_id or 0)}
        event.option_list.replace_option_prompt(event.option_id or "", self._row(int(event.option_id or 0)))
        event.option_list.replace_option_prompt(_BEGIN, self._begin_row())

    def _options(self) -> list[Option]:
        options: list[Option] = []
        heading = ""
        for number, contestant in enumerate(self._candidates):
            title = f"settings of {contestant.entry.name}" if with_settings(contestant) else "models"
            if title != heading:
                heading = title
                options.append(Option(Content.styled(printable_line(title), "$text-disabled"), disabled=True))
            options.append(Option(self._row(number), id=str(number)))
        return options

    def _begin_row(self) -> Content:
        count = len(self._chosen)
        if LEAST <= count <= MOST:
            return Content.assemble(("▸ ", "$accent"), f"let these {count} answer")
        return Content.styled(f"  {count} are chosen; {LEAST} to {MOST} can answer", "$text-warning")

    def _row(self, number: int) -> Content:
        contestant = self._candidates[number]
        mark = "[x]" if number in self._chosen else "[ ]"
        detail = "" if with_settings(contestant) else f"  {describe(contestant.entry)}"
        return Content(f"{mark} {printable_line(contestant.name)}") + Content.styled(detail, "$text-muted")
