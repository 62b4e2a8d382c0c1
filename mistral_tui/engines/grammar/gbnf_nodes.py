"""What a GBNF grammar is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Ranges = tuple[tuple[int, int], ...]
"""Code points, as first and last ones, in order and apart from each other."""

LAST = 0x10FFFF
ANY: Ranges = ((0, LAST),)


@dataclass(frozen=True)
class Text:
    """These characters."""

    text: str


@dataclass(frozen=True)
class Characters:
    """One character of a set."""

    ranges: Ranges

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> "Characters":
        """Return the set of ranges that may overlap."""
        return cls(joined(ranges))


@dataclass(frozen=True)
class Token:
    """A token of the model, as Lark writes it: `<think>` or `<[1000]>`."""

    name: str


@dataclass(frozen=True)
class Reference:
    """Another rule."""

    name: str
    place: int
    """Where in the text it is."""


@dataclass(frozen=True)
class Repeated:
    """The same several times."""

    node: "Node"
    least: int
    most: int | None
    """`None`: as often as it likes."""


@dataclass(frozen=True)
class Sequence:
    """One after the other; without nodes nothing at all."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class Choice:
    """One of several."""

    nodes: tuple["Node", ...]


Node = Text | Characters | Token | Reference | Repeated | Sequence | Choice
Rules = dict[str, Node]


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the same code points in order and apart from each other."""
    apart: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if apart and first <= apart[-1][1] + 1:
            apart[-1] = apart[-1][0], max(last, apart[-1][1])
        else:
            apart.append((first, last))
    return tuple(apart)


def negated(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return all other code points."""
    others = []
    begin = 0
    for first, last in joined(ranges):
        if first > begin:
            others.append((begin, first - 1))
        begin = last + 1
    return (*others, (begin, LAST)) if begin <= LAST else tuple(others)


def overlap(one: Ranges, other: Ranges) -> bool:
    """Return whether the two have a code point in common."""
    together = sorted((*one, *other))
    return any(first <= before for (_, before), (first, _) in pairwise(together))


def parts(node: Node) -> Iterator[Node]:
    """Yield `node` and everything in it; other rules are not followed."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Repeated):
            waiting.append(part.node)
        elif isinstance(part, Sequence | Choice):
            waiting += part.nodes


def references(node: Node) -> set[str]:
    """Return the names of the rules that a node names."""
    return {part.name for part in parts(node) if isinstance(part, Reference)}
