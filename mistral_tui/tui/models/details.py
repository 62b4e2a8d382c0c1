"""All that is known of one model, beside the list of models."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mistral_tui.models.details import Lines, ModelDetails
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.models.rows import ModelRow

_LABEL = 14


class DetailsPane(VerticalScroll, inherit_bindings=False):
    """Shows a model: first what it is and what it takes, then its file's metadata and its chat template."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("details")

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._row: ModelRow | None = None
        self._details: ModelDetails | None = None

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(id="models-details-text", markup=False)

    def show(self, row: ModelRow | None, details: ModelDetails | None) -> None:
        """Show what is known of a model; `None`: it is being read."""
        other = (self._row.key if self._row else "") != (row.key if row else "")
        self._row, self._details = row, details
        self._draw()
        if other:
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Break the lines for another width."""
        self._draw()

    def _draw(self) -> None:
        width = max(20, self.scrollable_content_region.width)
        text = Content("") if self._row is None else Content("\n").join(_lines(self._row, self._details, width))
        self.query_one("#models-details-text", Static).update(text)

    def action_scroll(self, rows: int) -> None:
        """Scroll the text."""
        self.scroll_relative(y=rows, animate=False)


def _lines(row: ModelRow, details: ModelDetails | None, width: int) -> list[Content]:
    fit = f"{row.memory} of memory: {row.fit}" if row.fit and row.memory else ""
    head = [row.state, fit, row.takes]
    lines = [
        Content.styled(row.name, "bold $foreground"),
        Content.styled(" · ".join(filter(None, head)), "$text-muted"),
    ]
    if details is None:
        return [*lines, Content.styled("reading its file …", "$text-disabled")]
    if details.problem:
        lines.append(Content.styled(details.problem, "$text-error"))
    lines += _table(details.figures, _LABEL, width)
    if details.chat_template:
        lines += [Content(""), Content.styled("chat template", "$text-accent"), Content(details.chat_template)]
    if details.metadata:
        lines += [Content(""), Content.styled("metadata", "$text-accent")]
        lines += _table(details.metadata, min(44, max(len(name) for name, _ in details.metadata)), width)
    return lines


def _table(pairs: Lines, label: int, width: int) -> list[Content]:
    """Return names beside values, of which long ones go on below where they began."""
    lines: list[Content] = []
    room = max(10, width - label - 2)
    for name, value in pairs:
        first, *rest = Content.styled(value, "$foreground").wrap(room) or [Content("")]
        lines.append(Content.styled(f"{name:<{label}}  ", "$text-muted") + first)
        lines += [Content(" " * (label + 2)) + line for line in rest]
    return lines
