"""A reply as its tokens, each in the colour of its probability."""

import math
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content, Span

from mistral_tui.chat.token_scores import ScoredReply
from mistral_tui.tui.chat.rows import Row, wrapped
from mistral_tui.types.events import TokenChance
from mistral_tui.types.text import printable

LIKELIHOODS = ((0.9, ""), (0.6, "$text-success"), (0.3, "$text-warning"), (0.0, "$text-error underline"))
"""Probabilities from which a token is drawn in a style; the least likely ones are underlined, too."""
_MARK = "$text-disabled"
_LINE_END = "↵"


class Place(NamedTuple):
    """Where a token is drawn: the first piece of it."""

    row: int
    start: int
    end: int
    """In characters of the row."""


class TokenRows(NamedTuple):
    """The tokens of a reply, laid out."""

    rows: list[Row]
    places: list[Place]
    """One for each token."""


def token_rows(reply: ScoredReply, width: int) -> TokenRows:
    """Lay out the tokens of a reply; rows are broken between tokens."""
    rows = wrapped(Content.styled(printable(reply.lead), _MARK), width) if reply.lead else []
    line = _Line(width)
    places = []
    for token in reply.tokens:
        style = _MARK if token.chosen.control else likelihood_style(token.chosen)
        place: Place | None = None
        for piece in _pieces(token_text(token.chosen), width):
            if not line.fits(piece):
                rows.append(line.take(joins=""))
            start = line.add(piece, style)
            place = place or Place(len(rows), start, start + len(piece))
            if piece == _LINE_END:
                rows.append(line.take())
        places.append(place or Place(len(rows), line.length, line.length))
    if line.length or not rows:
        rows.append(line.take())
    return TokenRows(rows, places)


def likelihood_style(chance: TokenChance) -> str:
    """Return the style of a token that was this likely."""
    probability = math.exp(chance.logprob)
    return next(style for least, style in LIKELIHOODS if probability >= least)


def token_text(chance: TokenChance) -> str:
    """Return a token's text, harmless to show."""
    return printable(chance.text).replace("\t", "    ")


def _pieces(text: str, width: int) -> list[str]:
    """Cut a token at its line ends, and where it is wider than a row."""
    pieces: list[str] = []
    for index, line in enumerate(text.split("\n")):
        if index:
            pieces.append(_LINE_END)
        while line and cell_len(line) > width:
            pieces.append(line[: max(1, width // 2)])
            line = line[max(1, width // 2) :]
        if line:
            pieces.append(line)
    return pieces


class _Line:
    """The row that is being filled."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._joins: str | None = None
        self._clear()

    @property
    def length(self) -> int:
        return sum(map(len, self._text))

    def fits(self, piece: str) -> bool:
        return not self._text or self._cells + cell_len(piece) <= self._width

    def add(self, piece: str, style: str) -> int:
        start = self.length
        self._text.append(piece)
        self._cells += cell_len(piece)
        if style:
            self._spans.append(Span(start, start + len(piece), style))
        return start

    def take(self, joins: str | None = None) -> Row:
        """Return the row; the next one is joined to it by `joins` when both are copied."""
        row = Row(Content("".join(self._text), self._spans), joins=self._joins)
        self._joins = joins
        self._clear()
        return row

    def _clear(self) -> None:
        self._text: list[str] = []
        self._spans: list[Span] = []
        self._cells = 0
