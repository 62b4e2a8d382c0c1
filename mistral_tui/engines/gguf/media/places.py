"""Pictures and recordings as parts of a prompt: where they stand in its text and among its tokens.

In the text of a prompt a medium is a mark that names its content. Among the tokens it takes as many places as it has
embeddings; in each stands a number below zero that comes from the content, too. So two prompts are alike exactly as
far as their tokens are, whatever these are, and nobody who compares them has to know about media.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256, shake_256
from typing import Any, Final, NamedTuple

import msgspec

from mistral_tui.types.messages import AudioPart, ImagePart, Message, Part, TextPart

_MARK: Final = re.compile("\ufdd0([0-9a-f]{64})\ufdd1")
"""Noncharacters, which no text is meant to contain. A text that does can only name a medium of its own request."""

Embeddings = tuple[Any, ...]
"""Of the runs of a medium: for each an array of `c_float`, row by row."""


@dataclass(frozen=True)
class MediaRun:
    """Consecutive embeddings of a medium."""

    tokens: tuple[int, ...]
    """What stands for them among the tokens of a prompt."""
    positions: int
    """By how much they move on what comes after them. Less than they are many where they lie in a plane."""
    plane: tuple[tuple[int, int, int], ...] | None
    """For models that place the tokens of a picture in a plane: time, row and column of each, from the first on."""
    whole: bool
    """Whether they must be computed at once, because each looks at all others."""


@dataclass(frozen=True)
class Medium:
    """A picture or a recording, as the model takes it."""

    key: str
    """SHA-256 of the file."""
    pieces: tuple[tuple[int, ...] | MediaRun, ...]
    """Tokens of text, such as those that say "here begins a picture", and runs of embeddings."""

    @property
    def mark(self) -> str:
        """What stands for it in the text of a prompt."""
        return f"\ufdd0{self.key}\ufdd1"

    @property
    def runs(self) -> list[MediaRun]:
        """The runs of embeddings, in order."""
        return [piece for piece in self.pieces if isinstance(piece, MediaRun)]

    @property
    def tokens(self) -> list[int]:
        """What stands for all of it among the tokens of a prompt."""
        return [token for piece in self.pieces for token in (piece.tokens if isinstance(piece, MediaRun) else piece)]


class Placed(NamedTuple):
    """A run of embeddings in a prompt."""

    begin: int
    """Place of its first embedding among the tokens."""
    key: str
    """Of the medium."""
    number: int
    """Which run of the medium it is."""
    run: MediaRun

    @property
    def end(self) -> int:
        """The place after its last embedding."""
        return self.begin + len(self.run.tokens)


@dataclass
class MediaOfRequest:
    """The media of one request: what is known of them, and their embeddings."""

    media: dict[str, Medium] = field(default_factory=dict)
    """By path; those that are gone are missing."""
    embeddings: dict[str, Embeddings] = field(default_factory=dict)
    """By key, of those that were wanted."""
    encoded: int = 0
    """How many had to be encoded for this request."""

    def lacking(self, placed: Iterable[Placed], shared: int) -> list[str]:
        """Return the files whose embeddings are needed to compute a prompt from place `shared` on, and are not here."""
        keys = {run.key for run in placed if run.end > shared and run.key not in self.embeddings}
        return [path for path, medium in self.media.items() if medium.key in keys]


def key_of(data: bytes) -> str:
    """Return the key of a medium, from the content of its file."""
    return sha256(data).hexdigest()


def run_tokens(key: str, number: int, count: int) -> tuple[int, ...]:
    """Return `count` numbers below zero that no other run of any medium has."""
    stream = shake_256(f"{key} {number}".encode()).digest(4 * count)
    return tuple(
        -1 - (int.from_bytes(stream[place : place + 4], "little") & 0x7FFFFFFF) for place in range(0, 4 * count, 4)
    )


def paths_of(messages: Sequence[Message]) -> list[str]:
    """Return the files of all media in `messages`, each once."""
    parts = (part for message in messages for part in message.parts if isinstance(part, ImagePart | AudioPart))
    return list(dict.fromkeys(part.path for part in parts))


def marked(messages: Sequence[Message], media: Mapping[str, Medium]) -> tuple[Message, ...]:
    """Return `messages` with marks in the place of media.

    Args:
        messages: As they were asked.
        media: By the path of their files; what is missing there is only mentioned.
    """
    if not paths_of(messages):
        return tuple(messages)
    return tuple(
        msgspec.structs.replace(message, parts=tuple(_as_text(part, media) for part in message.parts))
        for message in messages
    )


def _as_text(part: Part, media: Mapping[str, Medium]) -> Part:
    if not isinstance(part, ImagePart | AudioPart):
        return part
    if medium := media.get(part.path):
        return TextPart(medium.mark)
    kind = "picture" if isinstance(part, ImagePart) else "recording"
    return TextPart(f"[a {kind} that cannot be shown]")


def split(text: str, media: Mapping[str, Medium]) -> Iterator[tuple[int, str | Medium]]:
    """Cut the text of a prompt at its marks.

    Args:
        text: The text, or the rest of it from a seam on.
        media: By key; a mark that names none of them is mere text.

    Yields:
        Pieces of text, none of them empty, and media, with the place of their first character.
    """
    begin = 0
    for mark in _MARK.finditer(text) if media else ():
        if medium := media.get(mark[1]):
            if mark.start() > begin:
                yield begin, text[begin : mark.start()]
            yield mark.start(), medium
            begin = mark.end()
    if begin < len(text):
        yield begin, text[begin:]
