"""Documents in pieces that can be found and cited: a few lines each, with the place where they stand."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from mistral_tui.types.messages import FilePart

PASSAGE: Final = 600
"""Characters of a passage: few enough for every model that makes vectors."""
PAGE: Final = re.compile(r"\[page (\d+)\]")
"""The line that begins a page in what became of a PDF."""


class Passage(msgspec.Struct, frozen=True):
    """A piece of a document."""

    place: str
    """Such as `page 3` or `lines 10-24`."""
    text: str


def passages(part: FilePart) -> tuple[Passage, ...]:
    """Cut a document into passages of whole lines, at blank lines where that is possible.

    One does not reach over the end of a page. A line that is longer than a passage makes several.
    """
    found: list[Passage] = []
    lines: list[str] = []
    page: str | None = None
    first = 1

    def close() -> None:
        while lines and not lines[-1].strip():
            lines.pop()
        if lines:
            last = first + len(lines) - 1
            where = f"lines {first}-{last}" if last > first else f"line {first}"
            found.append(Passage(f"page {page}" if page else where, "\n".join(lines)))
            lines.clear()

    for number, line in enumerate(part.text.split("\n"), start=1):
        if mark := PAGE.fullmatch(line):
            close()
            page = mark[1]
            continue
        for piece in _pieces(line):
            size = sum(map(len, lines)) + len(lines)
            if size + len(piece) > PASSAGE or (not piece.strip() and size > PASSAGE / 2):
                close()
            if lines or piece.strip():
                first = first if lines else number
                lines.append(piece)
    close()
    return tuple(found)


def _pieces(line: str) -> Iterator[str]:
    """Yield a line in pieces of at most a passage, cut between words where there are any."""
    while len(line) > PASSAGE:
        space = line.rfind(" ", PASSAGE // 2, PASSAGE)
        cut = space + 1 if space > 0 else PASSAGE
        yield line[:cut]
        line = line[cut:]
    yield line
