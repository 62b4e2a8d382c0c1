"""The layout of panes as a value: whatever is done to it, every pane is there once and all room is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region, Size

from mistral_tui.tui.panes import tree
from mistral_tui.tui.panes.tabs import Tab, Tabs
from mistral_tui.tui.panes.tree import AXES, LEAST, Axis, Direction, Node, Split

pytestmark = pytest.mark.core

DIRECTIONS: tuple[Direction, ...] = ("left", "right", "up", "down")
SCREEN = Region(0, 0, 200, 60)
steps = st.lists(st.tuples(st.sampled_from(DIRECTIONS), st.integers(0, 30)), max_size=12)


def divided(splits: list[tuple[Direction, int]]) -> Node:
    """Return a tree that came about by splits; a number chooses the pane that is divided."""
    node: Node = 0
    for new, (direction, choice) in enumerate(splits, 1):
        numbers = tree.panes(node)
        node = tree.split(node, numbers[choice % len(numbers)], new, direction)
    return node


trees = steps.map(divided)


def cells(region: Region) -> set[tuple[int, int]]:
    return {(x, y) for x in range(region.x, region.right) for y in range(region.y, region.bottom)}


@given(trees, st.integers(0, 250), st.integers(0, 80))
def test_panes_and_lines_cover_every_cell_once(node: Node, width: int, height: int) -> None:
    screen = Region(3, 2, width, height)
    places = [*tree.regions(node, screen).values(), *(line.region for line in tree.lines(node, screen))]
    covered = [cell for place in places for cell in cells(place.intersection(screen))]
    assert len(covered) == len(set(covered))
    if tree.fits(node, screen.size):
        assert set(covered) == cells(screen)


@given(trees)
def test_in_enough_room_every_pane_is_of_use(node: Node) -> None:
    room = tree.least(node)
    for place in tree.regions(node, Region(0, 0, room.width, room.height)).values():
        assert place.width >= LEAST.width
        assert place.height >= LEAST.height


@given(steps)
def test_a_split_adds_one_pane_and_keeps_the_others(splits: list[tuple[Direction, int]]) -> None:
    assert sorted(tree.panes(divided(splits))) == list(range(len(splits) + 1))


@given(trees, st.integers(0, 30))
def test_closing_takes_away_that_pane_only(node: Node, choice: int) -> None:
    numbers = tree.panes(node)
    gone = numbers[choice % len(numbers)]
    rest = tree.without(node, gone)
    assert (tree.panes(rest) if rest is not None else ()) == tuple(n for n in numbers if n != gone)


@given(trees, st.integers(0, 30), st.sampled_from(DIRECTIONS))
def test_moving_keeps_every_pane_once(node: Node, choice: int, direction: Direction) -> None:
    numbers = tree.panes(node)
    pane = numbers[choice % len(numbers)]
    assert sorted(tree.panes(tree.moved(node, pane, direction, SCREEN))) == sorted(numbers)


@given(trees, st.integers(0, 30), st.sampled_from(DIRECTIONS))
def test_a_pane_without_a_neighbour_goes_to_the_edge(node: Node, choice: int, direction: Direction) -> None:
    numbers = tree.panes(node)
    pane = numbers[choice % len(numbers)]
    if len(numbers) > 1 and tree.neighbour(node, pane, direction, SCREEN) is None:
        moved = tree.moved(node, pane, direction, SCREEN)
        assert isinstance(moved, Split)
        assert moved.axis == AXES[direction]
        assert pane in (moved.first, moved.second)


@given(trees, st.integers(0, 30), st.sampled_from(["columns", "rows"]), st.integers(-300, 300))
def test_the_pane_that_is_to_grow_grows_and_no_pane_becomes_of_no_use(
    node: Node, choice: int, axis: Axis, by: int
) -> None:
    numbers = tree.panes(node)
    pane = numbers[choice % len(numbers)]
    grown = tree.grown(node, pane, axis, by, SCREEN)
    assert tree.panes(grown) == numbers
    if tree.fits(node, SCREEN.size):
        before, after = tree.regions(node, SCREEN), tree.regions(grown, SCREEN)
        side = 0 if axis == "columns" else 1
        change = after[pane].size[side] - before[pane].size[side]
        assert change * by > 0 or grown == node
        for place in after.values():
            assert place.width >= LEAST.width
            assert place.height >= LEAST.height


@given(trees, st.integers(0, 30), st.sampled_from(DIRECTIONS))
def test_the_neighbour_touches(node: Node, choice: int, direction: Direction) -> None:
    numbers = tree.panes(node)
    pane = numbers[choice % len(numbers)]
    other = tree.neighbour(node, pane, direction, SCREEN)
    if other is not None and tree.fits(node, SCREEN.size):
        places = tree.regions(node, SCREEN)
        assert places[pane].grow((2, 2, 2, 2)).overlaps(places[other])


def test_a_divider_is_dragged_to_a_column_and_stops_at_the_least_width() -> None:
    node = tree.split(0, 0, 1, "right")
    places = tree.regions(tree.dragged(node, (), 120, SCREEN), SCREEN)
    assert places[0].right == 120
    places = tree.regions(tree.dragged(node, (), 199, SCREEN), SCREEN)
    assert places[1].width == LEAST.width


def test_a_pane_grows_at_the_nearest_divider_then_at_the_next() -> None:
    node = tree.split(tree.split(0, 0, 1, "right"), 1, 2, "right")
    before, after = tree.regions(node, SCREEN), tree.regions(tree.grown(node, 2, "columns", 5, SCREEN), SCREEN)
    assert after[0] == before[0]
    assert after[2].width == before[2].width + 5
    for _ in range(40):
        node = tree.grown(node, 2, "columns", 5, SCREEN)
    assert {tree.regions(node, SCREEN)[pane].width for pane in (0, 1)} == {LEAST.width}
    assert tree.is_divided(node, 2, "columns")
    assert not tree.is_divided(node, 2, "rows")


def test_the_heading_of_a_lower_pane_is_a_divider() -> None:
    node = tree.split(tree.split(0, 0, 1, "down"), 1, 2, "right")
    assert tree.line_above(node, 0) is None
    assert tree.line_above(node, 1) == ()
    assert tree.line_above(node, 2) == ()


def test_equal_shares_are_equal() -> None:
    widths = [place.width for place in tree.regions(tree.in_order((1, 2, 3, 4), "columns"), SCREEN).values()]
    assert max(widths) - min(widths) <= 1


def test_what_is_of_no_use_does_not_fit() -> None:
    assert tree.fits(tree.in_order((1, 2), "columns"), Size(80, 23))
    assert not tree.fits(tree.in_order((1, 2, 3), "columns"), Size(80, 23))
    assert not tree.fits(tree.in_order((1, 2, 3, 4), "rows"), Size(80, 23))


# Tabs

actions = st.lists(
    st.tuples(st.sampled_from(["split", "tab", "close", "use", "go", "move_tab"]), st.integers(0, 40)), max_size=30
)


@given(actions)
def test_whatever_is_done_every_pane_is_in_one_tab_and_one_is_in_use(done: list[tuple[str, int]]) -> None:
    tabs = Tabs.of(0)
    known, new = {0}, 1
    for what, choice in done:
        pane = tabs.panes[choice % len(tabs.panes)]
        match what:
            case "split":
                tabs, known, new = tabs.split(new, DIRECTIONS[choice % 4]), known | {new}, new + 1
            case "tab":
                tabs, known, new = tabs.opened(Tab(new, new)), known | {new}, new + 1
            case "close":
                left = tabs.without(pane)
                assert (left is None) == (len(known) == 1)
                if left is not None:
                    tabs, known = left, known - {pane}
            case "use":
                tabs = tabs.used(pane)
                assert tabs.tab.current == pane
            case "go":
                tabs = tabs.shown(choice)
            case _:
                before = tabs.tab
                tabs = tabs.moved(choice - 20)
                assert tabs.tab is before
        assert sorted(tabs.panes) == sorted(known)
        assert all(tab.current in tab.panes for tab in tabs.tabs)
        assert 0 <= tabs.index < len(tabs.tabs)
