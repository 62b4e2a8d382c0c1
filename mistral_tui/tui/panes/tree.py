"""How panes divide a rectangle: a tree whose leaves are panes and whose branches are dividers.

Everything here is a value: each change returns another tree. Panes are numbers, of which each is in a tree once.
Columns lie side by side with a line between them; rows lie one above the other, and the heading of the lower one is
the line between them.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from textual.geometry import Region, Size

Axis = Literal["columns", "rows"]
Direction = Literal["left", "right", "up", "down"]
Path = tuple[int, ...]
"""The way from the root to a split: 0 is its first half, 1 its second."""

LEAST: Final = Size(30, 7)
"""A smaller pane is of no use."""
AXES: Final[dict[Direction, Axis]] = {"left": "columns", "right": "columns", "up": "rows", "down": "rows"}


@dataclass(frozen=True)
class Split:
    """Two parts and the divider between them."""

    axis: Axis
    first: "Node"
    second: "Node"
    share: float = 0.5
    """How much of the room the first part has."""


Node = int | Split


@dataclass(frozen=True)
class Line:
    """The line between two columns."""

    path: Path
    """Of the split that it divides."""
    region: Region


def panes(node: Node) -> tuple[int, ...]:
    """Return the panes from the left to the right and from the top to the bottom."""
    return (node,) if isinstance(node, int) else (*panes(node.first), *panes(node.second))


def split(node: Node, pane: int, new: int, direction: Direction) -> Node:
    """Give half the room of `pane` to a new one, which lies in this direction of it."""
    return _replaced(node, pane, _pair(pane, new, direction))


def without(node: Node, pane: int) -> Node | None:
    """Take a pane away; its neighbours get the room. `None`: it was the last one."""
    if isinstance(node, int):
        return None if node == pane else node
    first, second = without(node.first, pane), without(node.second, pane)
    if first is None or second is None:
        return second if first is None else first
    return replace(node, first=first, second=second)


def swapped(node: Node, one: int, other: int) -> Node:
    """Let two panes change places."""
    if isinstance(node, int):
        return other if node == one else one if node == other else node
    return replace(node, first=swapped(node.first, one, other), second=swapped(node.second, one, other))


def moved(node: Node, pane: int, direction: Direction, region: Region) -> Node:
    """Move a pane: it changes places with its neighbour there; without one it goes to that edge of all."""
    other = neighbour(node, pane, direction, region)
    if other is not None:
        return swapped(node, pane, other)
    rest = without(node, pane)
    if rest is None:
        return node
    return _pair(rest, pane, direction)


def in_order(numbers: tuple[int, ...], axis: Axis) -> Node:
    """Put panes side by side, or one above the other, with equal shares."""
    first, *rest = numbers
    return Split(axis, first, in_order(tuple(rest), axis), 1 / len(numbers)) if rest else first


def least(node: Node) -> Size:
    """Return the least room in which every pane is of use."""
    if isinstance(node, int):
        return LEAST
    first, second = least(node.first), least(node.second)
    if node.axis == "columns":
        return Size(first.width + 1 + second.width, max(first.height, second.height))
    return Size(max(first.width, second.width), first.height + second.height)


def fits(node: Node, size: Size) -> bool:
    """Whether every pane is of use in this room."""
    needed = least(node)
    return needed.width <= size.width and needed.height <= size.height


def regions(node: Node, region: Region) -> dict[int, Region]:
    """Return where each pane lies."""
    if isinstance(node, int):
        return {node: region}
    first, _, second = _parts(node, region)
    return regions(node.first, first) | regions(node.second, second)


def lines(node: Node, region: Region, path: Path = ()) -> tuple[Line, ...]:
    """Return the lines between columns."""
    if isinstance(node, int):
        return ()
    first, line, second = _parts(node, region)
    own = (Line(path, line),) if node.axis == "columns" else ()
    return (*own, *lines(node.first, first, (*path, 0)), *lines(node.second, second, (*path, 1)))


def neighbour(node: Node, pane: int, direction: Direction, region: Region) -> int | None:
    """Return the pane that lies in this direction of another and shares most of its edge."""
    places = regions(node, region)
    here = places[pane]
    best, longest = None, 0
    for other, there in places.items():
        if direction in ("left", "right"):
            gap = here.x - there.right if direction == "left" else there.x - here.right
            shared = min(here.bottom, there.bottom) - max(here.y, there.y)
        else:
            gap = here.y - there.bottom if direction == "up" else there.y - here.bottom
            shared = min(here.right, there.right) - max(here.x, there.x)
        if 0 <= gap <= 1 and shared > longest:
            best, longest = other, shared
    return best


def is_divided(node: Node, pane: int, axis: Axis) -> bool:
    """Whether something lies beside a pane in its row (`columns`), or above or below it."""
    return any(_at(node, path).axis == axis for path in _above(node, pane))


def grown(node: Node, pane: int, axis: Axis, cells: int, region: Region) -> Node:
    """Give a pane some cells more, or fewer, at the nearest divider that lets it: no pane becomes of no use."""
    side = 0 if axis == "columns" else 1
    size = regions(node, region)[pane].size[side]
    for path in _above(node, pane):
        branch = _at(node, path)
        if branch.axis != axis:
            continue
        first, _, _ = _parts(branch, _region_of(node, path, region))
        divider = first.right if axis == "columns" else first.bottom
        changed = dragged(node, path, divider + (cells if pane in panes(branch.first) else -cells), region)
        if (regions(changed, region)[pane].size[side] - size) * cells > 0:
            return changed
    return node


def dragged(node: Node, path: Path, position: int, region: Region) -> Node:
    """Put the divider of a split at a column or row of the screen, or as near to it as panes stay of use."""
    branch, place = _at(node, path), _region_of(node, path, region)
    start, room = (place.x, place.width - 1) if branch.axis == "columns" else (place.y, place.height)
    length = _length(branch, position - start, room)
    return _with_share(node, path, length / max(1, room))


def line_above(node: Node, pane: int) -> Path | None:
    """Return the split whose divider is the heading of this pane, if there is one."""
    found: Path | None = None
    path: Path = ()
    while isinstance(node, Split):
        step = 0 if pane in panes(node.first) else 1
        if node.axis == "rows" and step == 1:
            found = path
        path += (step,)
        node = (node.first, node.second)[step]
    return found


def _pair(old: Node, new: int, direction: Direction) -> Split:
    return Split(AXES[direction], *((old, new) if direction in ("right", "down") else (new, old)))


def _replaced(node: Node, pane: int, by: Node) -> Node:
    if isinstance(node, int):
        return by if node == pane else node
    return replace(node, first=_replaced(node.first, pane, by), second=_replaced(node.second, pane, by))


def _parts(node: Split, region: Region) -> tuple[Region, Region, Region]:
    """Return the first part, the line (empty between rows), and the second part."""
    x, y, width, height = region
    if node.axis == "columns":
        first = _length(node, round(node.share * (width - 1)), width - 1)
        return (
            Region(x, y, first, height),
            Region(x + first, y, min(1, max(0, width - first)), height),
            Region(x + first + 1, y, max(0, width - first - 1), height),
        )
    first = _length(node, round(node.share * height), height)
    return Region(x, y, width, first), Region(x, y + first, 0, 0), Region(x, y + first, width, height - first)


def _length(node: Split, wanted: int, room: int) -> int:
    """Return how long the first part is, so that both are of use."""
    side = 0 if node.axis == "columns" else 1
    most = room - least(node.second)[side]
    return max(0, min(room, max(least(node.first)[side], min(wanted, most))))


def _above(node: Node, pane: int) -> tuple[Path, ...]:
    """Return the splits that a pane lies in, the nearest first."""
    found: list[Path] = []
    path: Path = ()
    while isinstance(node, Split):
        found.append(path)
        step = 0 if pane in panes(node.first) else 1
        path += (step,)
        node = (node.first, node.second)[step]
    return tuple(reversed(found))


def _at(node: Node, path: Path) -> Split:
    for step in path:
        assert isinstance(node, Split)
        node = (node.first, node.second)[step]
    assert isinstance(node, Split)
    return node


def _region_of(node: Node, path: Path, region: Region) -> Region:
    for step in path:
        assert isinstance(node, Split)
        region = _parts(node, region)[2 if step else 0]
        node = (node.first, node.second)[step]
    return region


def _with_share(node: Node, path: Path, share: float) -> Node:
    assert isinstance(node, Split)
    if not path:
        return replace(node, share=share)
    if path[0] == 0:
        return replace(node, first=_with_share(node.first, path[1:], share))
    return replace(node, second=_with_share(node.second, path[1:], share))
