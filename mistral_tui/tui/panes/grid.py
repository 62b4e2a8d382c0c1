"""Draws the panes of a tab where their tree says. Panes stay children of one widget: none is mounted anew to move."""

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from mistral_tui.tui.panes import tree
from mistral_tui.tui.panes.grip import ColumnLine
from mistral_tui.tui.panes.tree import Node


class _Tiles(Layout):
    """Puts each displayed child where the grid says."""

    name = "tiles"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        parent.pre_layout(self)
        assert isinstance(parent, PaneGrid)
        places = parent.places(size)
        return [
            WidgetPlacement(places[child], NULL_OFFSET, NULL_SPACING, child, 0, False, False, False)
            for child in children
            if child in places
        ]


class PaneGrid(Widget):
    """Holds all panes of all tabs; those that are in view are displayed."""

    DEFAULT_CSS = "PaneGrid { height: 1fr; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._tiles = _Tiles()
        self._root: Node | None = None
        self._panes: dict[int, Widget] = {}
        self._lines: list[ColumnLine] = []

    @property
    def layout(self) -> Layout:
        """Where children go is not for style sheets."""
        return self._tiles

    def place(self, root: Node, panes: dict[int, Widget]) -> None:
        """Put these panes into view, and no others.

        Args:
            root: How they divide the room.
            panes: All there are, by number.
        """
        same = root == self._root and panes == self._panes
        self._root = root
        self._panes = panes
        shown = set(tree.panes(root))
        count = len(tree.lines(root, self.size.region))
        for number, line in enumerate(self._lines):
            line.display = number < count
        if missing := [ColumnLine() for _ in range(count - len(self._lines))]:
            self._lines += missing
            self.mount_all(missing)
        for number, pane in panes.items():
            pane.display = number in shown
        if not same or missing:
            self._clear_arrangement_cache()
            self.refresh(layout=True)

    def places(self, size: Size) -> dict[Widget, Region]:
        """Return where each displayed child goes."""
        if self._root is None:
            return {}
        found: dict[Widget, Region] = {
            self._panes[number]: region for number, region in tree.regions(self._root, size.region).items()
        }
        for line, place in zip(self._lines, tree.lines(self._root, size.region), strict=False):
            line.path = place.path
            found[line] = place.region
        return found
