"""Stand-ins for the native parts: a small vocabulary whose tokens depend on what is beside them, and a KV cache."""

import re
from typing import cast

from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary

CONTROL = ["<s>", "<|user|>", "<|bot|>", "<|system|>", "<|end|>"]
MERGED = ["abc", "bca", "ab", "bc", "ca", "aa"]


class FakeVocabulary:
    """Control tokens, then the longest of some merges, then single characters."""

    bos_text = "<s>"
    eos_text = "<|end|>"
    size = 1000

    def __init__(self) -> None:
        self.tokenized = 0
        """Characters so far."""
        self._pattern = re.compile("|".join(map(re.escape, CONTROL + MERGED)) + "|.", re.DOTALL)
        self._ids: dict[str, int] = {}
        self._names: list[str] = []
        for name in CONTROL:
            self._id(name)

    def _id(self, name: str) -> int:
        if name not in self._ids:
            self._ids[name] = len(self._names)
            self._names.append(name)
        return self._ids[name]

    def literal(self, text: str) -> str:
        return text

    def tokenize(self, text: str, beginning: bool) -> list[int]:
        self.tokenized += len(text)
        first = [0] if beginning and not text.startswith("<s>") else []
        return first + [self._id(name) for name in self._pattern.findall(text)]

    def name(self, token: int) -> str:
        return self._names[token]

    def piece(self, token: int) -> bytes:
        return b"" if self.is_control(token) else self._names[token].encode()

    def is_control(self, token: int) -> bool:
        return token < len(CONTROL)

    def text(self, tokens: list[int]) -> str:
        return "".join(map(self.name, tokens))


def as_vocabulary(fake: FakeVocabulary) -> Vocabulary:
    return cast(Vocabulary, fake)


class FakeContext:
    """Remembers how long each sequence was said to be."""

    goes_back = True

    def __init__(self, cells: int = 100, parts: bool = True) -> None:
        self.cells = cells
        self.cleared: list[int] = []
        self.copied: list[tuple[int, int, int]] = []
        self._parts = parts

    def keep(self, sequence: int, length: int) -> int:
        if length == 0 or not self._parts:
            self.cleared.append(sequence)
            return 0
        return length

    def can_keep(self, sequence: int, length: int) -> int:
        return length if self._parts else 0

    def copy(self, source: int, target: int, length: int) -> None:
        self.copied.append((source, target, length))


class CellsOfSequences(FakeContext):
    """Knows of each sequence which cells it has."""

    def __init__(self) -> None:
        super().__init__()
        self._cells: dict[int, list[object]] = {}

    @property
    def used(self) -> int:
        return len({id(cell) for cells in self._cells.values() for cell in cells})

    def compute(self, sequence: int, length: int) -> None:
        cells = self._cells.setdefault(sequence, [])
        cells += [object() for _ in range(length - len(cells))]

    def keep(self, sequence: int, length: int) -> int:
        del self._cells.get(sequence, [])[length:]
        return length

    def copy(self, source: int, target: int, length: int) -> None:
        assert self._cells.get(target, []) == self._cells[source][: len(self._cells.get(target, []))]
        self._cells[target] = self._cells[source][:length]


def as_context(fake: FakeContext) -> Context:
    return cast(Context, fake)
