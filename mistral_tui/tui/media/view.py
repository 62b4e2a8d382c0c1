"""A widget that draws one picture or recording."""

from textual.strip import Strip
from textual.widget import Widget

from mistral_tui.tui.media.boxes import BARS, Box, box_of
from mistral_tui.tui.media.drawing import Drawing
from mistral_tui.tui.media.graphics import graphics_of
from mistral_tui.types.messages import AudioPart, ImagePart


class MediaView(Widget):
    """As large as what it draws, and not larger than it is told.

    Args:
        part: The picture or recording.
        largest: The room that there is.
    """

    DEFAULT_CSS = "MediaView { width: 1fr; height: auto; }"

    def __init__(self, part: ImagePart | AudioPart, largest: Box) -> None:
        super().__init__()
        self._part = part
        self._box = Box(min(2 * BARS, largest.columns), 1) if isinstance(part, AudioPart) else box_of(part, *largest)
        self._drawing: Drawing | None = None

    def on_mount(self) -> None:
        """Begin to decode."""
        self.styles.height = self._box.rows
        self._drawing = Drawing(self, self._part, self._box, graphics_of(self.app), self.refresh, explains=True)

    def on_unmount(self) -> None:
        """Let the terminal forget it."""
        if self._drawing is not None:
            self._drawing.close()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        if self._drawing is None:
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        width = self.size.width
        line = self._drawing.line(y).truncate(width, ellipsis=True)
        segments = line.render_segments(self.visual_style)
        return Strip(segments, line.cell_length).adjust_cell_length(width, self.visual_style.rich_style)
