"""The pictures and waveforms of one message."""

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget

from mistral_tui.tui.chat.rows import Row
from mistral_tui.tui.media.boxes import MediaLine
from mistral_tui.tui.media.drawing import Drawing
from mistral_tui.tui.media.graphics import graphics_of


class Drawings:
    """Draws what rows say that is drawn in them; each picture is decoded once, when it is first seen.

    Args:
        widget: What they are drawn on.
        margin: Cells left of the rows.
        changed: Called when there is something else to draw.
    """

    def __init__(self, widget: Widget, margin: int, changed: Callable[[], object]) -> None:
        self._widget = widget
        self._margin = margin
        self._changed = changed
        self._drawings: dict[MediaLine, Drawing] = {}
        """By the first line of each."""

    def lay_out(self, rows: Sequence[Row]) -> None:
        """Keep what these rows draw, wherever it is now, and give up everything else."""
        places = {row.media: y for y, row in enumerate(rows) if row.media is not None and row.media.line == 0}
        for media in self._drawings.keys() - places.keys():
            self._drawings.pop(media).close()
        for media, y in places.items():
            if media not in self._drawings:
                graphics = graphics_of(self._widget.app)
                self._drawings[media] = Drawing(self._widget, media.part, media.box, graphics, self._changed)
            self._drawings[media].place(self._margin, y)

    def line(self, media: MediaLine) -> Content:
        """Return one line of a picture, as far as it is decoded."""
        return self._drawings[media._replace(line=0)].line(media.line)

    def close(self) -> None:
        """Nothing is drawn any more."""
        for drawing in self._drawings.values():
            drawing.close()
        self._drawings.clear()
