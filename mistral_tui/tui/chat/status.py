"""The status line: the model, how full the context is, and how fast the last reply was."""

from dataclasses import dataclass, replace
from typing import Final

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content

from mistral_tui.tui.actions import action
from mistral_tui.tui.chat.gauge import gauge
from mistral_tui.tui.clickable import Clickable
from mistral_tui.types.messages import Usage
from mistral_tui.types.text import printable_line

_GAUGE = 8
_NAME = 24
"""Characters of the model's name before numbers go to make room for it."""
_LONGEST_NAME = 40
"""The same where there is room enough."""
_SHORT_NAME = 8
"""The same where there is little room."""
_NEARLY_FULL = 0.9
_BETWEEN = " · "
_UNKNOWN = "\N{EN DASH}"


_MODEL: Final = action("model", "models")
_FIGURES: Final = action("screen", "metrics")


@dataclass(frozen=True)
class Figures:
    """What the line shows; `None` where nothing is known yet."""

    model: str = ""
    state: str = ""
    context_tokens: int | None = None
    context_size: int | None = None
    rate: float | None = None
    """Tokens a second."""
    first_token: float | None = None
    """Seconds."""
    unsaved: str | None = None
    private: bool = False
    fetching: str = ""
    """How far downloads are."""

    def with_usage(self, usage: Usage) -> "Figures":
        """Return the figures of a finished reply; those of one that never began stay as they were."""
        return replace(
            self,
            context_tokens=usage.context_tokens or self.context_tokens,
            context_size=usage.context_size or self.context_size,
            rate=usage.decode_rate or self.rate,
            first_token=usage.time_to_first_token or self.first_token,
        )


class StatusLine(Clickable):
    """One dim line; its numbers have fixed places, so that nothing moves when they change.

    A click on the model lets the person choose another one, a click on the numbers shows all of them.
    """

    DEFAULT_CSS = "StatusLine { height: 1; width: 1fr; padding: 0 1; color: $text-muted; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.figures = Figures()
        self._hint = ""

    def show(self, figures: Figures) -> None:
        """Draw these figures."""
        if figures != self.figures:
            self.figures = figures
            self.refresh()

    def hint(self, text: str) -> None:
        """Say something in the place of the model, until the next hint; an empty one ends it.

        In a pane that is too narrow for it, it is said in a toast.
        """
        if cell_len(text) > self.content_size.width > 0:
            self.notify(printable_line(text))
        else:
            self.remark(text)

    def remark(self, text: str) -> None:
        """Say something that changes as one types; cut where there is no room."""
        if text != self._hint:
            self._hint = text
            self.refresh()

    def render(self) -> RenderResult:
        """Model and state at the left, numbers at the right; without room the first of these go, then the name."""
        width = self.size.width
        if self._hint:
            return Content.styled(self._hint, "$text-warning").truncate(width, ellipsis=True)
        name, state, numbers = printable_line(self.figures.model) or "no model", self._state(), self._numbers()
        wanted = min(_NAME, len(name)) + state.cell_length
        while len(numbers) > 1 and wanted + 2 + sum(each.cell_length + 2 for each in numbers) > width:
            numbers.pop(0)
        right = self.link_to(_FIGURES, Content("  ").join(numbers))
        room = max(0, width - right.cell_length - 2)
        name = _short(name, max(_SHORT_NAME, min(_LONGEST_NAME, room - state.cell_length)))
        if state and len(name) + state.cell_length > room:
            # What goes on matters more than who does it: that is known.
            name, state = "", state[len(_BETWEEN) :]
        words = (self.link_to(_MODEL, Content.styled(name, "$foreground")) + state).truncate(room, ellipsis=True)
        return words.pad_right(max(0, width - words.cell_length - right.cell_length)) + right

    def _state(self) -> Content:
        figures = self.figures
        words: list[str | Content | tuple[str, str]] = []
        if figures.state:
            words += [_BETWEEN, figures.state]
        if figures.fetching:
            words += [_BETWEEN, figures.fetching]
        if figures.private:
            words += [_BETWEEN, "private"]
        if figures.unsaved is not None:
            words += [_BETWEEN, ("not saved", "$text-warning")]
        return Content.assemble(*words)

    def _numbers(self) -> list[Content]:
        figures = self.figures
        numbers = []
        if figures.first_token or figures.rate:
            numbers = [
                Content(f"TTFT {_number(figures.first_token, 4)} s"),
                Content(f"{_number(figures.rate, 5)} tok/s"),
            ]
        if figures.context_size:
            used = figures.context_tokens or 0
            size = f"{figures.context_size:,}"
            style = "$text-warning" if used > figures.context_size * _NEARLY_FULL else "$accent"
            bar = gauge(used / figures.context_size, _GAUGE, style)
            numbers.append(bar + Content(f" {used:>{len(size)},}/{size}"))
        return numbers


def _short(name: str, characters: int) -> str:
    return name if len(name) <= characters else f"{name[: characters - 1]}…"


def _number(value: float | None, cells: int) -> str:
    """Return a number with as many digits as fit, so that it always takes the same room."""
    if not value:
        return f"{_UNKNOWN:>{cells}}"
    digits = 2 if value < 10 else 1 if value < 1000 else 0
    return f"{value:>{cells}.{digits}f}"
