"""Reads a reply that arrives in pieces.

A parser is a generator over a `Reader`: it asks for what it needs and yields when that has not arrived yet, so that
it cannot depend on how the text was cut. What it has read stays pending until it is passed on as something, or
until it is taken back because it turns out to be mere text.
"""

import json
import re
import secrets
import string
from collections.abc import Callable, Generator
from typing import Final, Literal, NamedTuple, TypeVar

from mistral_tui.engines.parsing.marks import Marks
from mistral_tui.types.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta

T = TypeVar("T")
Wait = Generator[None, None, T]
"""A parser: yields while it waits for more text, returns what it has found."""
Before = Literal["space", "line feed", "nothing"]

_NAME: Final = re.compile(r"[\w.:/-]{1,200}")


class Piece(NamedTuple):
    """A part of the reply: what the model wrote, and what that means; `None` for marks and the space around them."""

    source: str
    delta: Delta | None


class Begun(NamedTuple):
    """Something of the reply that a grammar may describe has begun."""

    is_call: bool
    """A call; otherwise the answer, after reasoning."""
    text: str
    """What has arrived of it; for a call behind a word that says where in it that is."""


class Reader:
    """The part of a reply that has arrived and is not passed on yet.

    Args:
        new_id: Makes ids for calls whose notation has none.
    """

    def __init__(self, new_id: Callable[[], str] | None = None) -> None:
        self.pieces: list[Piece] = []
        """What was passed on; whoever takes it empties the list."""
        self.ended = False
        """Whether no more text will come."""
        self.fresh = True
        """Whether no text was passed on since the beginning, or since the last mark."""
        self.calls = 0
        """How many calls were begun."""
        self.begun: Begun | None = None
        """Set where something begins; whoever takes it sets `None` again."""
        self._new_id = new_id or new_call_id
        self._text = ""
        self._begin = 0
        self._at = 0

    def feed(self, text: str) -> None:
        """Take more of the reply."""
        self._text = self._text[self._begin :] + text
        self._at -= self._begin
        self._begin = 0

    @property
    def pending(self) -> str:
        """What was read and is neither passed on nor taken back."""
        return self._text[self._begin : self._at]

    @property
    def empty(self) -> bool:
        """Whether all that has arrived was passed on."""
        return self._begin == len(self._text)

    # Looking

    def peek(self) -> Wait[str]:
        """Return the next character, or "" at the end."""
        while self._at >= len(self._text) and not self.ended:
            yield
        return self._text[self._at : self._at + 1]

    def arrived(self) -> str:
        """Return what has arrived and was not read."""
        return self._text[self._at :]

    def skip(self, count: int) -> None:
        """Step over characters that have arrived."""
        self._at += count

    def skip_space(self) -> Wait[None]:
        """Step over white space."""
        while True:
            rest = self.arrived()
            self._at += len(rest) - len(rest.lstrip())
            if self._at < len(self._text) or self.ended:
                return
            yield

    def next_is(self, *options: str) -> Wait[str]:
        """Step over one of `options` if it comes next, and return it, or ""; the first that fits counts."""
        while True:
            rest = self._text[self._at : self._at + max(map(len, options), default=0)]
            undecided = False
            for option in options:
                if rest.startswith(option):
                    self._at += len(option)
                    return option
                if not self.ended and option.startswith(rest):
                    undecided = True
                    break
            if not undecided:
                return ""
            yield

    def until(self, *marks: str, limit: int = 300) -> Wait[tuple[str, str]]:
        """Step over text and the first of `marks`; return both.

        The mark is "", and nothing is stepped over, if it does not come within `limit` characters.
        """
        wanted, seen = Marks(marks), 0
        while True:
            rest = self.arrived()
            place, mark = wanted.search(rest, seen, self.ended)
            if (self.ended and not mark) or place > limit:
                return "", ""
            if mark:
                self._at += place + len(mark)
                return rest[:place], mark
            seen = place
            yield

    # Passing on

    def seek(self, marks: Marks, delta: Callable[[str], Delta], before: Before = "space") -> Wait[str]:
        """Pass text on as `delta` makes of it, up to a mark; return the mark, or "" at the end of the reply.

        Nothing may be pending. The mark stays pending, with what stands `before` it: all white space, or a line feed.
        """
        while True:
            place, mark = marks.search(self._text, self._at, self.ended)
            text = self._text[self._begin : place]
            if mark or not self.ended:
                text = _without(text, before)
            self._at = self._begin + len(text)
            if text:
                self.put(delta(text))
            if mark or self.ended:
                self._at = place + len(mark)
                return mark
            yield

    def put(self, delta: Delta) -> None:
        """Pass on what is pending as `delta`."""
        self.pieces.append(Piece(self.pending, delta))
        self._begin = self._at
        if isinstance(delta, TextDelta):
            self.fresh = False

    def drop(self) -> None:
        """Pass on what is pending as a mark."""
        if self._at > self._begin:
            self.pieces.append(Piece(self.pending, None))
            self._begin = self._at

    def rewind(self, kept: int) -> None:
        """Keep the first `kept` pending characters; what was read after them is read again."""
        self._at = self._begin + kept

    def take_back(self, kept: int) -> None:
        """Pass on the first `kept` pending characters as text; what was read after them is read again."""
        self.rewind(kept)
        if kept:
            self.put(TextDelta(self.pending, 0))

    def begins(self, where: str = "") -> None:
        """A call begins here, and `where` is what its grammar begins with; without it, the answer begins."""
        self.begun = Begun(bool(where), where + self.arrived())

    def begin_call(self, name: str, call_id: str = "") -> None:
        """What is pending begins a call."""
        self.calls += 1
        self.put(ToolCallDelta(self.calls - 1, call_id or self._new_id(), name, tokens=0))

    def argument(self, text: str) -> ToolCallDelta:
        """Return a delta with a piece of the arguments of the call that was begun last."""
        return ToolCallDelta(self.calls - 1, arguments=text, tokens=0)

    def escaped_argument(self, text: str) -> ToolCallDelta:
        """Return the same with `text` as the inside of a JSON string."""
        return self.argument(json.dumps(text, ensure_ascii=False)[1:-1])

    def put_argument(self, text: str | None = None) -> None:
        """Pass on what is pending as a piece of the arguments: `text`, or as it is."""
        text = self.pending if text is None else text
        if text or self.pending:
            self.put(self.argument(text))


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a tool."""
    return _NAME.fullmatch(text) is not None


def _without(text: str, before: Before) -> str:
    match before:
        case "space":
            return text.rstrip()
        case "line feed":
            return text.removesuffix("\n")
        case "nothing":
            return text


def text_delta(text: str) -> Delta:
    """Return visible text."""
    return TextDelta(text, 0)


def reasoning_delta(text: str) -> Delta:
    """Return reasoning."""
    return ReasoningDelta(text, 0)


def new_call_id() -> str:
    """Return nine random letters and digits, which is what the strictest chat templates accept as an id."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(9))
