"""Rows: what a message is made of once it is laid out for a width."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.geometry import Offset
from textual.selection import Selection

from mistral_tui.tui.media.boxes import MediaLine


class Row(NamedTuple):
    """One row of cells on screen."""

    content: Content
    """Styled text, never wider than the width it was laid out for."""
    lead: int = 0
    """Characters at the start that are decoration: they are not copied."""
    joins: str | None = None
    """What stands between this row and the one above when both are copied; `None`: a line break."""
    fill: str = ""
    """Style of the cells right of the text, as far as the text column goes."""
    toggles: bool = False
    """Whether a click on it opens or folds what is below."""
    call: bool = False
    """Whether it is a call of a tool."""
    code: bool = False
    """Whether a code block begins here."""
    cut: bool = False
    """Whether more would follow it."""
    media: MediaLine | None = None
    """What is drawn behind the text once it is decoded; it is not copied."""


BLANK = Row(Content(""))


def indented(rows: Sequence[Row], first: Content, rest: Content) -> list[Row]:
    """Put `first` before the first row and `rest` before the others, as decoration that is not copied."""
    return [
        row._replace(content=Content("").join([prefix, row.content]), lead=row.lead + len(prefix))
        for row, prefix in ((row, rest if index else first) for index, row in enumerate(rows))
    ]


def wrapped(content: Content, width: int, joins: str = " ") -> list[Row]:
    """Break `content`, which may have several lines, into rows of at most `width` cells."""
    rows: list[Row] = []
    for line in content.split("\n", allow_blank=True):
        pieces = line.wrap(width) if line.cell_length > width or "\t" in line.plain else [line]
        rows.extend(Row(piece, joins=joins if index else None) for index, piece in enumerate(pieces or [line]))
    return rows


def first_difference(before: Sequence[Row], after: Sequence[Row]) -> int:
    """Return the index of the first row that looks different, or is not in both."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((y for y, (old, new) in pairs if not _is_same(old, new)), min(len(before), len(after)))


def _is_same(one: Row, other: Row) -> bool:
    # The text of two contents is equal when their styles are not.
    return one.content.is_same(other.content) and one[1:] == other[1:]


def selected_text(rows: Sequence[Row], selection: Selection) -> str:
    """Return what a selection of rows means as text: without margins, and with soft line breaks undone."""
    text: list[str] = []
    for y, row in enumerate(rows):
        span = selection.get_span(y)
        if span is None:
            continue
        start, end = span
        plain = row.content.plain
        piece = plain[max(start, row.lead) : len(plain) if end == -1 else end]
        text.append(piece if not text else (row.joins if row.joins is not None else "\n") + piece)
    return "".join(text)


def shifted(selection: Selection, x: int) -> Selection:
    """Move a selection `x` cells to the left: from a widget with a margin to the rows in it."""
    start, end = selection
    return Selection(
        None if start is None else Offset(max(0, start.x - x), start.y),
        None if end is None else Offset(max(0, end.x - x), end.y),
    )
