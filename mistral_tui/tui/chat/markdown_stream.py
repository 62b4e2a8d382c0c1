"""Where the open block of a Markdown document starts, while the document is still being written.

Text arrives in pieces of any size. Blocks that no later text can change in the usual case are closed: they can be
laid out once and left alone. Only the last one is open. It is a guess about a grammar that looks ahead, and it may
be wrong (a link's address may be defined at the end, a table may turn out to be text): so whoever shows a stream
lays the whole text out once more when it ends.
"""

import re
from typing import Literal, NamedTuple

BlockKind = Literal["text", "item", "fence"]

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_ITEM = re.compile(r"( {0,3}(?:[-*+]|\d{1,9}[.)]))( +|$)")
_DANGLING = re.compile(r"\s*[-=*+#>`~]+\s*")
"""A line that has only its marker yet: too early to say what it will be."""
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")


class Block(NamedTuple):
    """A closed block: one that is complete."""

    kind: BlockKind
    text: str
    follows: bool = False
    """It is a list item right under another one, without a blank line between them."""


class MarkdownStream:
    """Splits a growing document into closed blocks and an open one; each line is looked at once."""

    def __init__(self) -> None:
        self.closed: list[Block] = []
        self.kind: BlockKind = "text"
        """What the open block is, as far as its complete lines say."""
        self.lines: list[str] = []
        """The complete lines of the open block."""
        self.partial = ""
        """The line that is being written."""
        self._pieces: list[str] = []
        self._partial_pieces: list[str] = []
        self._fence = ""
        """The marker that closes the open fence; empty outside of one."""
        self._content_column = 0
        """Where the text of the open list item starts."""

    @property
    def text(self) -> str:
        """All that was written so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def open_size(self) -> int:
        """Characters of the open block."""
        return sum(map(len, self.lines)) + len(self.partial)

    def closes_fence(self, line: str) -> bool:
        """Whether `line` would end the code block that is open."""
        marker = line.strip()
        return bool(self._fence and marker) and not marker.strip(self._fence[0]) and len(marker) >= len(self._fence)

    def feed(self, text: str) -> None:
        """Take in more of the document."""
        self._pieces.append(text)
        *complete, rest = text.split("\n")
        for piece in complete:
            line = "".join([*self._partial_pieces, piece])
            self._partial_pieces.clear()
            self._take(line)
        if rest:
            self._partial_pieces.append(rest)
        self.partial = "".join(self._partial_pieces)
        if self.partial:
            self._partial_pieces = [self.partial]

    def peek(self) -> list[Block]:
        """Return the open block as if its last line were complete; that line may begin a block of its own."""
        ahead = MarkdownStream()
        ahead.kind, ahead.lines, ahead.closed = self.kind, [*self.lines], self.closed[-1:]
        ahead._fence, ahead._content_column = self._fence, self._content_column
        known = len(ahead.closed)
        if self.partial.strip() and not _DANGLING.fullmatch(self.partial):
            ahead._take(self.partial)
        ahead._close()
        return ahead.closed[known:]

    def _take(self, line: str) -> None:
        if self._fence:
            self._take_fenced(line)
        elif self.kind == "item" and self.lines:
            self._take_in_item(line)
        elif not line.strip():
            if self.lines:
                self.lines.append(line)
                self._close()
        else:
            self._take_text(line)

    def _take_text(self, line: str) -> None:
        fence, item = _FENCE.match(line), _ITEM.match(line)
        if fence or item or _HEADING.match(line):
            self._close()
        self.lines.append(line)
        if fence:
            self.kind, self._fence = "fence", fence[1]
        elif item:
            self.kind, self._content_column = "item", len(item[1]) + 1
        elif len(self.lines) == 1 and _HEADING.match(line):
            self._close()

    def _take_fenced(self, line: str) -> None:
        self.lines.append(line)
        if self.closes_fence(line):
            self._fence = ""
            if self.kind == "fence":
                self._close()

    def _take_in_item(self, line: str) -> None:
        indent = len(line) - len(line.lstrip(" "))
        inside = indent >= self._content_column or not line.strip()
        after_blank = not self.lines[-1].strip()
        starts_block = _ITEM.match(line) or _FENCE.match(line) or _HEADING.match(line)
        if not inside and (starts_block or after_blank):
            self._close()
            self._take_text(line)
            return
        self.lines.append(line)
        if line.strip() and (fence := _FENCE.match(line[self._content_column :] if inside else line)):
            self._fence = fence[1]

    def _close(self) -> None:
        if self.lines:
            before = self.closed[-1] if self.closed else None
            follows = self.kind == "item" and before is not None and before.kind == "item"
            follows = follows and before is not None and not before.text.endswith("\n\n")
            self.closed.append(Block(self.kind, "\n".join(self.lines) + "\n", follows))
        self.lines = []
        self.kind = "text"
