"""The rows of a reply that is being written.

Closed blocks are laid out once. The open block is laid out anew at each turn while it is small; when it has grown,
as plain text of which only the last line is laid out again. A turn therefore costs about the same whether a reply
has ten lines or a thousand.
"""

from collections.abc import Sequence

from textual.content import Content

from mistral_tui.tui.chat.markdown import code_rows, inline_rows, markdown_rows
from mistral_tui.tui.chat.markdown_stream import Block, MarkdownStream
from mistral_tui.tui.chat.rows import BLANK, Row, first_difference, wrapped

SMALL = 1_500
"""Characters of an open block that are cheap to lay out each time."""
OPEN_ROWS = 100
"""The same in rows, for a line."""


class StreamingRows:
    """Rows of a `MarkdownStream` at one width."""

    def __init__(self, stream: MarkdownStream, width: int, above: Sequence[Row] = ()) -> None:
        """Lay out what `stream` has so far; the rows `above` come first."""
        self.width = width
        self.rows: list[Row] = [*above]
        self._above = len(above)
        self._stream = stream
        self._blocks = 0
        """Closed blocks that are laid out."""
        self._closed_rows = self._above
        """Rows of the closed blocks."""
        self._settled = self._above
        """Rows that are not laid out again: those of the closed blocks, and of complete lines of a big open block."""
        self._begin_block()
        self.update()

    def update(self) -> int:
        """Lay out what was fed since the last time; returns the first row that may have changed."""
        if self._blocks < len(self._stream.closed):
            self._settled = self._closed_rows
            self._begin_block()
        first = self._settled
        before = self.rows[first:]
        del self.rows[first:]
        for block in self._stream.closed[self._blocks :]:
            self._add(block, markdown_rows(block.text, self.width))
        if self._blocks < len(self._stream.closed):
            self._blocks = len(self._stream.closed)
            self._settled = self._closed_rows = len(self.rows)
        if self._stream.kind != "fence" and not self._lines and self._stream.open_size <= SMALL:
            for block in self._stream.peek():
                self._add(block, self._small_rows(block))
        else:
            self._add_lines()
        return first + first_difference(before, self.rows[first:])

    def _begin_block(self) -> None:
        self._parted = False
        """Whether the blank row above the open block is settled."""
        self._lines = 0
        """Complete lines of the open block that are settled."""
        self._wrapped = 0
        """Characters of the line after those whose rows are settled: it may be endless."""

    def _add(self, block: Block, rows: list[Row]) -> None:
        if len(self.rows) > self._above and rows and not block.follows:
            self.rows.append(BLANK)
        self.rows += rows

    def _small_rows(self, block: Block) -> list[Row]:
        """Lay out an open block, in a way that does not flip as it grows: a table is text until it is complete."""
        if block.kind == "text" and not block.text.lstrip().startswith("#"):
            return inline_rows(block.text.rstrip("\n"), self.width)
        return markdown_rows(block.text, self.width)

    def _add_lines(self) -> None:
        """Lay out the lines of a big open block that are new, and the one that is being written."""
        stream = self._stream
        if not self._parted and len(self.rows) > self._above:
            self.rows.append(BLANK)
        self._parted = True
        for line in stream.lines[self._lines :]:
            self.rows += self._line_rows(line)
            self._lines += 1
            self._wrapped = 0
        self._settled = len(self.rows)
        if stream.partial and not stream.closes_fence(stream.partial):
            rows = self._line_rows(stream.partial)
            self.rows += rows
            if stream.kind != "fence" and len(rows) > OPEN_ROWS:
                self._settle(rows[:-2], stream.partial)

    def _settle(self, rows: Sequence[Row], line: str) -> None:
        """Let these rows of the line that is being written stay: what follows changes the last ones only."""
        if "\t" in line:
            return  # their width depends on where they are
        end = self._wrapped
        for row in rows:
            if (start := line.find(row.content.plain, end)) < 0:
                return
            end = start + len(row.content.plain)
        self._wrapped = len(line) - len(line[end:].lstrip(" "))
        self._settled += len(rows)

    def _line_rows(self, line: str) -> list[Row]:
        """Lay out a line of the open block, or what is not settled of it."""
        if self._stream.kind != "fence":
            rows = wrapped(Content(line[self._wrapped :].rstrip()), self.width)
            return [rows[0]._replace(joins=" "), *rows[1:]] if self._wrapped and rows else rows
        if self._lines:
            return code_rows(line, "", self.width)
        language = line.strip().lstrip("`~").split()
        return code_rows("", language[0], self.width)[:1] if language else []
