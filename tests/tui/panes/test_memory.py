"""What is remembered of panes comes back as it was, without the chats that are gone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.tui.panes import tree
from mistral_tui.tui.panes.memory import model_of, not_begun, restored, session_ids, stored
from mistral_tui.tui.panes.tabs import Tab, Tabs
from tests.tui.panes.test_tree import trees

pytestmark = pytest.mark.core


@given(trees, trees, st.booleans())
def test_an_arrangement_comes_back_as_it_was(one: tree.Node, other: tree.Node, zoomed: bool) -> None:
    shift = {number: number + 100 for number in tree.panes(other)}
    second = _renamed(other, shift)
    tabs = Tabs(
        (Tab(one, tree.panes(one)[-1], zoomed and len(tree.panes(one)) > 1), Tab(second, tree.panes(second)[0])), 1
    )
    sessions = {pane: f"session {pane}" for pane in tabs.panes}
    value = stored(tabs, sessions)
    assert session_ids(value) == tuple(sessions.values())[:32]
    assert restored(value, {name: pane for pane, name in sessions.items()}) == tabs


@given(trees, st.sets(st.integers(0, 12)))
def test_chats_that_are_gone_leave_their_room_to_others(node: tree.Node, gone: set[int]) -> None:
    tabs = Tabs((Tab(node, 0), Tab(100, 100)), 0)
    value = stored(tabs, {pane: str(pane) for pane in tabs.panes})
    back = restored(value, {str(pane): pane for pane in tabs.panes if pane not in gone})
    assert back is not None
    assert back.panes == tuple(pane for pane in tabs.panes if pane not in gone)
    assert all(tab.current in tab.panes for tab in back.tabs)


def test_one_pane_is_nothing_to_remember() -> None:
    assert stored(Tabs.of(0), {0: "a"}) is None
    assert stored(Tabs((Tab(tree.split(0, 0, 1, "right"), 0),)), {0: "a"}) is None


def test_a_chat_that_has_not_begun_is_remembered_by_its_model() -> None:
    tabs = Tabs((Tab(tree.split(0, 0, 1, "right"), 0),))
    value = stored(tabs, {0: "a", 1: not_begun(1, "Qwen 3 0.6B")})
    assert [model_of(name) for name in session_ids(value)] == [None, "Qwen 3 0.6B"]


@pytest.mark.parametrize(
    "value",
    [None, 3, "x", [], {"tabs": 3}, {"tabs": [{"root": 3}]}, {"tabs": [{"root": {"axis": "diagonal"}}]}, {"tabs": []}],
)
def test_what_makes_no_sense_is_nothing(value: Any) -> None:
    assert session_ids(value) == ()
    assert restored(value, {}) is None


def test_a_session_that_is_named_twice_is_shown_once() -> None:
    split = {"axis": "rows", "share": 7, "first": "a", "second": "a"}
    back = restored({"tabs": [{"root": split}, {"root": "a"}], "index": 9}, {"a": 4})
    assert back == Tabs.of(4)


def _renamed(node: tree.Node, names: dict[int, int]) -> tree.Node:
    if isinstance(node, int):
        return names[node]
    return tree.Split(node.axis, _renamed(node.first, names), _renamed(node.second, names), node.share)
