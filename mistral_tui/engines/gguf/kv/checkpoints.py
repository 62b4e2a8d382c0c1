"""States of a sequence that it can go back to, for models that cannot give up a part of what they have read."""

from typing import Final, NamedTuple

MOST_BYTES: Final = 256 * 2**20
"""What the checkpoints of all sequences may take together."""


class Checkpoint(NamedTuple):
    """What a recurrent layer, or a short window, had in it after the first tokens of a sequence."""

    length: int
    """How many tokens."""
    state: bytearray


class Checkpoints:
    """The checkpoints of one sequence, the shortest first."""

    def __init__(self) -> None:
        self._kept: list[Checkpoint] = []

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return sum(len(checkpoint.state) for checkpoint in self._kept)

    def add(self, checkpoint: Checkpoint) -> None:
        """Keep one more, after more tokens than all others."""
        self.cut(checkpoint.length - 1)
        self._kept.append(checkpoint)

    def up_to(self, length: int) -> Checkpoint | None:
        """Return the last one that has no more than so many tokens."""
        return next((checkpoint for checkpoint in reversed(self._kept) if checkpoint.length <= length), None)

    def cut(self, length: int) -> None:
        """Forget those after more tokens than so many."""
        self._kept = [checkpoint for checkpoint in self._kept if checkpoint.length <= length]

    def take_over(self, others: "Checkpoints", length: int) -> None:
        """Have what a sequence has that begins with the same `length` tokens."""
        self._kept = [checkpoint for checkpoint in others._kept if checkpoint.length <= length]

    def forget_oldest(self) -> None:
        """Forget the first one."""
        del self._kept[:1]
