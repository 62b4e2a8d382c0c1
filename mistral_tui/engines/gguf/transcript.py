"""The tokens of a chat together with the text that they stand for.

A chat's history is not tokenized again for every turn. That would cost time, and worse: a reply that is tokenized
from its text may fall into other tokens than those the model wrote, and the KV cache would not fit any more.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mistral_tui.engines.gguf.vocabulary import Vocabulary


class Mark(NamedTuple):
    """Where a control token of the prompt stands. Text before and after it is tokenized independently."""

    token: int
    """Its place among the tokens."""
    place: int
    """The place of its first character in the text."""


class Transcript:
    """Prompt and reply of a chat, as tokens and as text."""

    def __init__(self, tokens: list[int] | None = None, text: str = "", marks: list[Mark] | None = None) -> None:
        self.tokens: list[int] = tokens or []
        self._text = text
        self._marks = marks or []
        self._reply = bytearray()

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

    def followed_by(self, prompt: str, vocabulary: Vocabulary) -> tuple["Transcript", int]:
        """Return the transcript of the prompt that comes after this one, and how many first tokens they share.

        If `prompt` goes on from this text, only the rest is tokenized. If it parts from it somewhere, tokenizing
        begins at the last control token before.
        """
        text = self.text
        common = _common_length(text, prompt)
        if text and common == len(text):
            rest = vocabulary.tokenize(prompt[common:], beginning=False)
            # Only at a control token is it certain that the seam changes nothing.
            if rest and vocabulary.is_control(rest[0]) and prompt.startswith(vocabulary.name(rest[0]), common):
                return self._joined(len(self.tokens), common, rest, prompt, vocabulary), len(self.tokens)
        known = [mark for mark in self._marks if mark.place <= common]
        index, place = known[-1] if known else (0, 0)
        rest = vocabulary.tokenize(prompt[place:], beginning=index == 0)
        following = self._joined(index, place, rest, prompt, vocabulary)
        return following, index + _common_length(self.tokens[index:], rest)

    def _joined(self, index: int, place: int, rest: list[int], prompt: str, vocabulary: Vocabulary) -> "Transcript":
        marks = [mark for mark in self._marks if mark.token < index]
        marks += _find_marks(rest, prompt, index, place, vocabulary)
        return Transcript(self.tokens[:index] + rest, prompt, marks)


def _find_marks(tokens: list[int], text: str, index: int, place: int, vocabulary: Vocabulary) -> list[Mark]:
    marks = []
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
        marks.append(Mark(index + offset, found))
        place = found + len(name)
    return marks


def _common_length(one: Sequence[object], other: Sequence[object]) -> int:
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
