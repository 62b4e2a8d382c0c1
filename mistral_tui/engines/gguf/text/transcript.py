"""The tokens of a chat together with the text that they stand for.

A chat's history is not tokenized again for every turn. That would cost time, and worse: a reply that is tokenized
from its text may fall into other tokens than those the model wrote, and the KV cache would not fit any more.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mistral_tui.engines.gguf.media.places import MediaRun, Medium, Placed, split
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary

_NO_MEDIA: Mapping[str, Medium] = {}


class Mark(NamedTuple):
    """Where a control token or a medium of the prompt stands. Text before and after it is tokenized independently."""

    token: int
    """Its place among the tokens."""
    place: int
    """The place of its first character in the text."""


class Transcript:
    """Prompt and reply of a chat, as tokens and as text."""

    def __init__(self, tokens: list[int] | None = None, text: str = "", marks: list[Mark] | None = None) -> None:
        self.tokens: list[int] = tokens or []
        """Below zero where an embedding of a medium stands."""
        self.placed: list[Placed] = []
        """The embeddings of media among the tokens, in order."""
        self._text = text
        self._marks = marks or []
        self._reply = bytearray()
        self._given = len(self.tokens), text
        self.shifted = False
        """Whether tokens were given up after the first ones."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Where control tokens and media stand in the prompt."""
        return tuple(self._marks)

    @property
    def sound(self) -> int:
        """How many first tokens are what they would be in a prompt; after those, some were given up."""
        return self._given[0] if self.shifted else len(self.tokens)

    def give_up(self, begin: int, count: int) -> None:
        """Take out `count` tokens from place `begin` on; from there on the text is not known any more."""
        place = next((mark.place for mark in self._marks if mark.token == begin), 0)
        del self.tokens[begin : begin + count]
        self._marks = [mark for mark in self._marks if mark.token < begin]
        self._text = self._text[:place]
        self._given = begin, self._text
        self.shifted = True

    def append(self, token: int, piece: bytes) -> None:
        """Add a token that the model wrote."""
        self.tokens.append(token)
        self._reply += piece

    @property
    def text(self) -> str:
        """The text of all tokens; to be asked when the reply is complete."""
        if self._reply:
            self._text += self._reply.decode("utf-8", "replace")
            self._reply.clear()
        return self._text

    @property
    def prompt(self) -> "Transcript":
        """What the reply was added to; also while it is being written."""
        tokens, text = self._given
        prompt = Transcript(self.tokens[:tokens], text, self._marks)
        prompt.placed = self.placed
        return prompt

    def shares(self, prompt: str) -> int:
        """Return how many first characters `prompt` has in common with the text; not while a reply is written."""
        return common_length(self.text, prompt)

    def stretch(self, index: int) -> tuple[int, Placed | None]:
        """Return where what is at place `index` ends: tokens, or the embeddings that are returned along."""
        for placed in self.placed:
            if index < placed.begin:
                return placed.begin, None
            if index < placed.end:
                return placed.end, placed
        return len(self.tokens), None

    def position(self, index: int) -> int:
        """Return the position of the token at place `index`; a picture in a plane moves what follows by less."""
        saved = 0
        for placed in self.placed:
            if index <= placed.begin:
                break
            if index < placed.end:
                return (placed.begin if placed.run.plane else index) - saved
            saved += len(placed.run.tokens) - placed.run.positions
        return index - saved

    def cut(self, length: int) -> int:
        """Return the most of the first `length` places that can be kept: some media cannot be divided."""
        _, placed = self.stretch(length)
        if placed is not None and placed.begin < length and (placed.run.whole or placed.run.plane):
            return placed.begin
        return length

    def followed_by(
        self, prompt: str, vocabulary: Vocabulary, media: Mapping[str, Medium] = _NO_MEDIA
    ) -> tuple["Transcript", int]:
        """Return the transcript of the prompt that comes after this one, and how many first tokens they share.

        If `prompt` goes on from this text, only the rest is tokenized. If it parts from it somewhere, tokenizing
        begins at the last control token before.

        Args:
            prompt: What the chat template wrote, with marks in the place of media.
            vocabulary: Of the model.
            media: By key, all that `prompt` marks.
        """
        text = self.text
        common = common_length(text, prompt)
        if text and common == len(text):
            rest, marks = _tokenize(prompt, common, len(self.tokens), vocabulary, media)
            # Only at a control token is it certain that the seam changes nothing.
            if marks and marks[0] == (len(self.tokens), common):
                return self._joined(len(self.tokens), rest, marks, prompt, media), len(self.tokens)
        known = [mark for mark in self._marks if mark.place <= common]
        index, place = known[-1] if known else (0, 0)
        rest, marks = _tokenize(prompt, place, index, vocabulary, media)
        following = self._joined(index, rest, marks, prompt, media)
        return following, index + common_length(self.tokens[index:], rest)

    def _joined(
        self, index: int, rest: list[int], marks: list[Mark], prompt: str, media: Mapping[str, Medium]
    ) -> "Transcript":
        marks = [mark for mark in self._marks if mark.token < index] + marks
        joined = Transcript(self.tokens[:index] + rest, prompt, marks)
        joined.placed = _placed(prompt, marks, media)
        return joined


def _tokenize(
    text: str, place: int, index: int, vocabulary: Vocabulary, media: Mapping[str, Medium]
) -> tuple[list[int], list[Mark]]:
    """Return the tokens of `text` from `place` on, of which the first has the number `index`, and the marks in it."""
    tokens: list[int] = []
    marks: list[Mark] = []
    beginning = index == 0
    for offset, piece in split(text[place:], media) if place < len(text) else [(0, "")]:
        at = place + offset
        if isinstance(piece, Medium):
            tokens += vocabulary.tokenize("", beginning) if beginning else []
            marks.append(Mark(index + len(tokens), at))
            tokens += piece.tokens
            marks.append(Mark(index + len(tokens), at + len(piece.mark)))
        else:
            more = vocabulary.tokenize(piece, beginning)
            marks += _find_marks(more, piece, index + len(tokens), at, vocabulary)
            tokens += more
        beginning = False
    return tokens, marks


def _find_marks(tokens: list[int], text: str, index: int, begin: int, vocabulary: Vocabulary) -> list[Mark]:
    """Return the marks of `text`, of which the first token has the number `index` and the first character `begin`."""
    marks = []
    place = 0
    for offset, token in enumerate(tokens):
        if not vocabulary.is_control(token):
            continue
        name = vocabulary.name(token)
        found = text.find(name, place) if name else -1
        if found < 0:
            # The token for the beginning, where the template did not write it.
            if offset == 0 and index == 0:
                continue
            break
        marks.append(Mark(index + offset, begin + found))
        place = found + len(name)
    return marks


def _placed(text: str, marks: Sequence[Mark], media: Mapping[str, Medium]) -> list[Placed]:
    """Return where the embeddings of all media in a prompt are: a medium stands at one of its marks."""
    if not media:
        return []
    tokens = {mark.place: mark.token for mark in reversed(marks)}
    placed = []
    for place, piece in split(text, media):
        # A reply that happens to name a medium is text: its tokens are the model's.
        if not isinstance(piece, Medium) or place not in tokens:
            continue
        index, number = tokens[place], 0
        for part in piece.pieces:
            if isinstance(part, MediaRun):
                placed.append(Placed(index, piece.key, number, part))
                number += 1
                index += len(part.tokens)
            else:
                index += len(part)
    return placed


def common_length(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how many first elements are equal, by halving: comparing slices is native, element by element is not."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
