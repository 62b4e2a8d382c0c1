"""How panes are arranged, as it is remembered from one run to the next: with the chats that are stored, and those that
have not begun but have a model of their own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from mistral_tui.tui.panes.tabs import Tab, Tabs
from mistral_tui.tui.panes.tree import Axis, Node, Split

KEY: Final = "panes"
"""Under which it is remembered."""
_NOT_BEGUN: Final = "new "
_MOST: Final = 32
"""Panes that are opened again; a database from elsewhere may name thousands."""


class _StoredSplit(msgspec.Struct, frozen=True):
    axis: Axis
    share: float
    first: "str | _StoredSplit"
    second: "str | _StoredSplit"


class _StoredTab(msgspec.Struct, frozen=True):
    root: str | _StoredSplit
    current: str = ""
    zoomed: bool = False


class _Stored(msgspec.Struct, frozen=True):
    tabs: list[_StoredTab]
    index: int = 0


def not_begun(number: int, model: str) -> str:
    """Return what a pane is remembered by whose chat has not begun: its number, and the model that is to answer."""
    return f"{_NOT_BEGUN}{number} {model}"


def model_of(name: str) -> str | None:
    """Return the model of a chat that has not begun; `None`: it is the id of a session."""
    return name.removeprefix(_NOT_BEGUN).partition(" ")[2] if name.startswith(_NOT_BEGUN) else None


def stored(tabs: Tabs, sessions: Mapping[int, str]) -> Any:
    """Return the arrangement as JSON values; `None`: one pane or none is left, which is as every run begins.

    Args:
        tabs: The arrangement.
        sessions: The ids of the sessions that panes show, or what `not_begun` says of them; others are left out.
    """
    found: list[_StoredTab] = []
    index = 0
    for number, tab in enumerate(tabs.tabs):
        root = _stored_node(tab.root, sessions)
        if root is not None:
            if number <= tabs.index:
                index = len(found)
            found.append(_StoredTab(root, sessions.get(tab.current, ""), tab.zoomed))
    if len(found) < 2 and all(isinstance(tab.root, str) for tab in found):
        return None
    return msgspec.to_builtins(_Stored(found, index))


def session_ids(value: Any) -> tuple[str, ...]:
    """Return the sessions of a remembered arrangement, and what has not begun; none if it makes no sense."""
    read = _read(value)
    ids = [] if read is None else [each for tab in read.tabs for each in _ids(tab.root)]
    return tuple(dict.fromkeys(ids))[:_MOST]


def restored(value: Any, panes: Mapping[str, int]) -> Tabs | None:
    """Return a remembered arrangement; `None`: nothing of it is left.

    Args:
        value: What `stored` returned, perhaps by another version.
        panes: The panes of the sessions that could be opened; what could not leaves its room to its neighbour.
    """
    read = _read(value)
    if read is None:
        return None
    left = dict(panes)
    found: list[Tab] = []
    index = 0
    for number, tab in enumerate(read.tabs):
        mine = dict(left)
        root = _restored_node(tab.root, left.pop)
        if root is None:
            continue
        if number <= read.index:
            index = len(found)
        restored_tab = Tab(root, 0)
        current = mine.get(tab.current, -1)
        current = current if current in restored_tab.panes else restored_tab.panes[0]
        found.append(Tab(root, current, tab.zoomed and len(restored_tab.panes) > 1))
    return Tabs(tuple(found), index) if found else None


def _stored_node(node: Node, sessions: Mapping[int, str]) -> str | _StoredSplit | None:
    if isinstance(node, int):
        return sessions.get(node)
    first, second = _stored_node(node.first, sessions), _stored_node(node.second, sessions)
    if first is None or second is None:
        return second if first is None else first
    return _StoredSplit(node.axis, node.share, first, second)


def _restored_node(node: str | _StoredSplit, take: Callable[[str, None], int | None]) -> Node | None:
    """Return a tree; `take` gives each pane once."""
    if isinstance(node, str):
        return take(node, None)
    first, second = _restored_node(node.first, take), _restored_node(node.second, take)
    if first is None or second is None:
        return second if first is None else first
    return Split(node.axis, first, second, min(1.0, max(0.0, node.share)))


def _ids(node: str | _StoredSplit) -> list[str]:
    return [node] if isinstance(node, str) else [*_ids(node.first), *_ids(node.second)]


def _read(value: Any) -> _Stored | None:
    try:
        return msgspec.convert(value, _Stored)
    except (msgspec.ValidationError, RecursionError):
        return None
