"""How many first cells of the KV cache any two sequences have in common."""

from collections.abc import Sequence


class SharedCells:
    """Counts cells that several sequences share once.

    Sequences share cells only from their beginning on: one begins as a copy of the other's first tokens, and what
    either computes or gives up afterwards is its own affair.

    Args:
        count: How many sequences there are, numbered from 0.
    """

    def __init__(self, count: int) -> None:
        self._shared = [[0] * count for _ in range(count)]

    def copied(self, source: int, target: int, length: int) -> None:
        """The first `length` cells of `target` are now those of `source`."""
        for other, shared in enumerate(self._shared[source]):
            self._set(target, other, min(shared, length))
        self._set(target, source, length)

    def cut(self, sequence: int, length: int) -> None:
        """A sequence has given up all but its first `length` cells."""
        for other, shared in enumerate(self._shared[sequence]):
            self._set(sequence, other, min(shared, length))

    def between(self, one: int, other: int) -> int:
        """Return how many first cells two sequences share."""
        return self._shared[one][other]

    def most(self, sequence: int) -> int:
        """Return how many first cells of a sequence belong to another one as well."""
        return max(self._shared[sequence])

    def used(self, lengths: Sequence[int]) -> int:
        """Return how many cells are in use by sequences of these lengths, in the order of their numbers."""
        return sum(length - max(self._shared[number][:number], default=0) for number, length in enumerate(lengths))

    def _set(self, one: int, other: int, length: int) -> None:
        if one != other:
            self._shared[one][other] = self._shared[other][one] = length
