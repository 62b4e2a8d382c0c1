"""Where the widgets of the main screen are, and which parts of it are drawn when they move.

Textual draws a widget anew when anything about its place has changed, so also when messages are mounted above those
in view and these stay where they are; it draws the whole screen when somebody asked for the place of a widget between
two frames; and whatever is drawn, it draws everything that lies beneath and beside it too.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

from textual._compositor import ChopsUpdate, Compositor, CompositorMap, ReflowResult
from textual.dom import DOMNode
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

_Place = tuple[Region, Region, tuple[tuple[int, int], ...]]
"""Where a widget is, which part of that is in view, and what lies above what."""


class StillCompositor(Compositor):
    """Has only that drawn which is in view and not where it was."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[Widget, _Place] = {}
        """Of the widgets in view, as they were when places were looked at last."""
        self._filled: set[DOMNode] = set()
        """The widgets of which nothing is seen beneath their children."""
        self._filled_in: CompositorMap | None = None
        """The arrangement of which that is true."""

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out all widgets."""
        dirty = self._dirty_regions.copy()
        result = super().reflow(parent, size)
        self._dirty_regions = dirty
        self._mark_moved()
        return result

    def reflow_visible(self, parent: Widget, size: Size) -> set[Widget]:
        """Lay out the widgets that have come into view."""
        dirty = self._dirty_regions.copy()
        exposed = super().reflow_visible(parent, size)
        self._dirty_regions = dirty
        self._mark_moved()
        return exposed

    def clear(self) -> None:
        """Forget all widgets."""
        super().clear()
        self._places.clear()
        self._filled.clear()
        self._filled_in = None

    def render_partial_update(self) -> ChopsUpdate | None:
        """Draw what has changed; scrollbars, say, with what they belong to, and not a frame later."""
        self.update_widgets(set(self.visible_widgets))
        return super().render_partial_update()

    def _mark_moved(self) -> None:
        """Have those parts drawn anew where a widget has come, gone or moved."""
        places: dict[Widget, _Place] = {}
        for widget, (region, order, clip, *_) in self._arranged.items():
            if shown := region.intersection(clip):
                # The last number of each step counts siblings: it changes for all when one comes.
                places[widget] = region, shown, tuple(step[:2] for step in order)
        before, self._places = self._places, places
        self._dirty_regions.update(shown for _, (_, shown, _) in places.items() ^ before.items())

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Draw the rows of a part of the screen, beginning with what lies on top."""
        crop = crop or self.size.region
        if self._filled_in is not self._arranged:
            self._filled_in = self._arranged
            self._filled = _filled(self._arranged)
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            if widget not in self._filled and shown.overlaps(crop):
                y, bottom = max(shown.y, crop.y), min(shown.bottom, crop.bottom)
                rows = Region(shown.x, y, shown.width, bottom - y)
                yield rows, rows, widget.render_lines(rows.translate(-region.offset))

    @property
    def _arranged(self) -> CompositorMap:
        """Where all widgets are, or those in view."""
        return self._full_map if self._visible_map is None else self._visible_map


def _filled(arranged: CompositorMap) -> set[DOMNode]:
    """Return the widgets whose children, side by side, leave nothing of them to be seen."""
    children: defaultdict[DOMNode, list[Region]] = defaultdict(list)
    for widget, (region, order, clip, *_) in arranged.items():
        if order[-1][:2] == (0, 0) and widget.parent is not None:
            children[widget.parent].append(region.intersection(clip))
    return {
        parent
        for parent, regions in children.items()
        if isinstance(parent, Widget)
        and parent in arranged
        and sum(region.area for region in regions) == arranged[parent].region.intersection(arranged[parent].clip).area
        and not any(one.overlaps(other) for one, other in combinations(regions, 2))
    }
