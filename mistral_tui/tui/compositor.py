"""Where the widgets of the main screen are, and which parts of it must be drawn anew when they move.

Textual draws a widget anew when anything about its place has changed, so also when messages are mounted above those
in view and these stay where they are, and it draws the whole screen when somebody asked for the place of a widget
between two frames.
"""

from textual._compositor import Compositor, ReflowResult
from textual.geometry import Region, Size
from textual.widget import Widget

_Place = tuple[Region, Region, tuple[tuple[int, int], ...]]
"""Where a widget is, which part of that is in view, and what lies above what."""


class StillCompositor(Compositor):
    """Has only that drawn anew which is not where it was."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[Widget, _Place] = {}
        """Of the widgets in view, as they were when places were looked at last."""

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

    def _mark_moved(self) -> None:
        """Have those parts drawn anew where a widget has come, gone or moved."""
        arranged = self._full_map if self._visible_map is None else self._visible_map
        places: dict[Widget, _Place] = {}
        for widget, (region, order, clip, *_) in arranged.items():
            if shown := region.intersection(clip):
                # The last number of each step counts siblings: it changes for all when one comes.
                places[widget] = region, shown, tuple(step[:2] for step in order)
        before, self._places = self._places, places
        self._dirty_regions.update(shown for _, (_, shown, _) in places.items() ^ before.items())
