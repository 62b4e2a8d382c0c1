"""The list of models on screen: one line each, in columns that stand still whatever comes to be known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.segment import Segment
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from mistral_tui.tui.context_menu import MenuWanted
from mistral_tui.tui.models.rows import FIT_STYLES, Heading, ModelRow

_GAP: Final = 2
_MARK: Final = 3
_LEAST_NAME: Final = 26
"""Columns give way until the name has so much room."""


@dataclass(frozen=True)
class Column:
    """A column beside the name."""

    title: str
    field: str
    width: int
    right: bool = False


_SIZE = Column("size", "size", 7, right=True)
_QUANTIZATION = Column("quant", "quantization", 8)
_CONTEXT = Column("context", "context", 7, right=True)
_TAKES = Column("takes", "takes", 10)
_LICENCE = Column("licence", "licence", 10)
_MEMORY = Column("memory", "memory", 8, right=True)
_FIT = Column("", "fit", 7)
_STATE = Column("state", "state", 16)
COLUMNS: Final = (_SIZE, _QUANTIZATION, _CONTEXT, _TAKES, _LICENCE, _MEMORY, _FIT, _STATE)
_GIVE_WAY: Final = (_LICENCE, _TAKES, _CONTEXT, _MEMORY, _QUANTIZATION, _FIT, _SIZE)
"""Which columns go first where there is little room."""


def columns_for(width: int) -> tuple[tuple[Column, ...], int]:
    """Return the columns that have room, and the width of the name before them."""
    shown = list(COLUMNS)
    for column in (*_GIVE_WAY, _STATE):
        room = width - _MARK - sum(each.width + _GAP for each in shown)
        if room >= _LEAST_NAME:
            break
        shown.remove(column)
    room = width - _MARK - sum(each.width + _GAP for each in shown)
    return tuple(shown), max(1, room)


class ModelTable(ScrollView, can_focus=False):
    """Draws rows; the keys come from whoever has the focus."""

    DEFAULT_CSS = "ModelTable { height: 1fr; overflow-x: hidden; }"

    @dataclass
    class Highlighted(Message):
        """The cursor is on another model, or on none."""

        table: "ModelTable"
        row: ModelRow | None

    @dataclass
    class Chosen(Message):
        """The person clicked twice on a model."""

        table: "ModelTable"
        row: ModelRow

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Heading | ModelRow] = []
        self._cursor: int | None = None

    @property
    def row(self) -> ModelRow | None:
        """The model under the cursor."""
        row = None if self._cursor is None else self._rows[self._cursor]
        return row if isinstance(row, ModelRow) else None

    def show(self, rows: Sequence[Heading | ModelRow], wanted: str | None = None) -> None:
        """Show other rows. The cursor stays on its model, and the model on its line, as far as that is possible.

        Args:
            rows: What to show.
            wanted: The key of the model to go to; without one the cursor stays, or goes to the first.
        """
        before, line = self.row, None if self._cursor is None else self._cursor - self.scroll_offset.y
        key = wanted or (before.key if before else None)
        self._rows = list(rows)
        places = {row.key: index for index, row in enumerate(rows) if isinstance(row, ModelRow)}
        self._cursor = (
            places.get(key, min(places.values(), default=None)) if key else min(places.values(), default=None)
        )
        self.virtual_size = Size(self.size.width, len(rows))
        if self._cursor is not None and line is not None and before is not None and key == before.key == self._key:
            self.scroll_to(y=max(0, self._cursor - line), animate=False, force=True, immediate=True)
        else:
            self._reveal()
        self.refresh()
        if (self.row and self.row.key) != (before and before.key):
            self.post_message(self.Highlighted(self, self.row))

    @property
    def _key(self) -> str | None:
        return self.row.key if self.row else None

    def move(self, steps: int) -> None:
        """Move the cursor by so many models; it stays within the list."""
        places = [index for index, row in enumerate(self._rows) if isinstance(row, ModelRow)]
        if not places or self._cursor is None:
            return
        at = min(max(0, places.index(self._cursor) + steps), len(places) - 1)
        self._go(places[at])

    def move_page(self, pages: int) -> None:
        """Move the cursor by so many screens."""
        self.move(pages * max(1, self.size.height - 2))

    def move_to_end(self, last: bool) -> None:
        """Move the cursor to the first or the last model."""
        self.move(len(self._rows) if last else -len(self._rows))

    def on_resize(self) -> None:
        """Other columns have room, and the cursor should stay in sight."""
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """Go to the model that is clicked; twice chooses it."""
        y = event.y + self.scroll_offset.y
        if y < len(self._rows) and isinstance(self._rows[y], ModelRow):
            event.stop()
            self._go(y)
            if event.chain == 2 and event.button == 1 and self.row is not None:
                self.post_message(self.Chosen(self, self.row))
        if wanted := MenuWanted.by(event, "model"):
            self.post_message(wanted)

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        base = self.visual_style
        if index >= len(self._rows):
            return Strip.blank(width, base.rich_style)
        row = self._rows[index]
        if isinstance(row, Heading):
            content = Content.assemble(
                " " * _MARK, (row.text, "$text-muted italic"), (f"  {row.count}", "$text-disabled")
            )
        else:
            content = self._content(row, width)
            if index == self._cursor:
                base += Style.parse("on $selected")
        segments = [Segment(text, style.rich_style) for text, style in content.truncate(width).render(base, "", _style)]
        return Strip(segments).adjust_cell_length(width, base.rich_style)

    def _content(self, row: ModelRow, width: int) -> Content:
        columns, room = columns_for(width)
        there = row.loaded or row.entry.entry.downloaded or row.entry.source == "remote"
        mark = ("│" if row.current else " ") + ("● " if row.loaded else "  ")
        name = Content.styled(row.name, "$foreground" if there else "$text-muted")
        for place in row.matched:
            name = name.stylize("bold $accent", place, place + 1)
        tail = Content.styled("  default", "$text-disabled") if row.default else Content("")
        if name.cell_length + tail.cell_length > room:
            name = name.truncate(max(1, room - tail.cell_length), ellipsis=True)
        cells = [
            Content.styled(mark, "$accent"),
            (name + tail).pad_right(max(0, room - name.cell_length - tail.cell_length)),
        ]
        for column in columns:
            cell = Content.styled(getattr(row, column.field), self._cell_style(row, column))
            cell = cell.truncate(column.width, ellipsis=True)
            space = column.width - cell.cell_length
            cells += [Content(" " * _GAP), cell.pad_left(space) if column.right else cell.pad_right(space)]
        return Content("").join(cells)

    def _cell_style(self, row: ModelRow, column: Column) -> str:
        if column is _FIT:
            return FIT_STYLES.get(row.fit, "$text-muted")
        if column is _STATE:
            failed = row.state in ("damaged", "download failed")
            return "$text-error" if failed else "$text-accent" if row.loaded else "$text-muted"
        return "$text-muted"

    def _go(self, index: int) -> None:
        if index != self._cursor:
            self._cursor = index
            self._reveal()
            self.refresh()
            self.post_message(self.Highlighted(self, self.row))

    def _reveal(self) -> None:
        if self._cursor is None:
            return
        # The heading of the first model of a group comes along.
        top = self._cursor - 1 if self._cursor and isinstance(self._rows[self._cursor - 1], Heading) else self._cursor
        region = Region(0, top, self.size.width, self._cursor - top + 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)


class TableHead(Widget, can_focus=False):
    """The titles of the columns."""

    DEFAULT_CSS = "TableHead { height: 1; color: $text-disabled; }"

    def render(self) -> RenderResult:
        """Return the titles, each above its column."""
        columns, room = columns_for(self.size.width)
        cells = [f"{'':{_MARK}}{'name':<{room}}"]
        cells += [f"{each.title:>{each.width}}" if each.right else f"{each.title:<{each.width}}" for each in columns]
        return Content((" " * _GAP).join(cells))


def _style(style: str | Style) -> Style:
    return Style.parse(style) if isinstance(style, str) else style
