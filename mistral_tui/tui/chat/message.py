"""One message of the transcript, as one widget however long it is.

It draws rows straight into strips. A reply that is being written grows in place: what it costs to show more of it
does not depend on how long it has become.
"""

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from mistral_tui.tui.chat.reply_rows import GrowingRows, finished_rows
from mistral_tui.tui.chat.reply_stream import ReplyStream
from mistral_tui.tui.chat.rows import BLANK, Row, selected_text, shifted, wrapped
from mistral_tui.types.messages import AudioPart, FilePart, ImagePart, Message, Part
from mistral_tui.types.text import printable, printable_line

GLYPH = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
"""Stands before what the person says."""
MARGIN = 2
"""Cells left of the text: who speaks, and a space."""
TEXT_WIDTH = 100
"""A line of text is at most this many cells long."""
PROMPT_ROWS = 200
"""Rows of a prompt that are shown: a pasted book is folded."""

_GLYPHS = {
    "user": Content.styled(f"{GLYPH} ", "bold $accent"),
    "assistant": Content.styled("● ", "$text-disabled"),
    "system": Content.styled("≡ ", "$text-disabled"),
    "tool": Content.styled("⚙ ", "$text-disabled"),
}
_SPEAKERS = {"user": "You:", "assistant": "The model:", "system": "System:", "tool": "A tool:"}
_WRITING = Content.styled("● ", "$accent")
_FAILED = Content.styled("✗ ", "bold $text-error")
_NO_GLYPH = Content("  ")

_ENDINGS = {
    "cancelled": "stopped",
    "length": "cut off: the limit of tokens for one reply is reached",
    "context": "cut off: the context is full",
}


class MessageView(Widget):
    """Draws a message: a glyph in the margin that says who speaks, and the text."""

    DEFAULT_CSS = """
    MessageView { width: 1fr; height: auto; margin: 0 0 1 0; }
    """

    def __init__(
        self, message: Message, stream: ReplyStream | None = None, note: str = "", opened: bool = False
    ) -> None:
        """Show `message`.

        Args:
            message: What to show; the parts of a finished message are its own.
            stream: The parts of a reply that is still being written; whoever feeds it calls `flush`.
            note: A line above the text, for what a reader must know beforehand.
            opened: Whether what the model thought is shown in full.
        """
        super().__init__()
        self.message = message
        self._opened = opened
        self._stream = stream
        self._note = note
        self._live: GrowingRows | None = None
        self._laid: list[Row] = []
        self._laid_width = 0
        self._drawn: dict[int, Strip] = {}

    def flush(self) -> None:
        """Show what was fed to the stream since the last time."""
        if self._live is None or self._stream is None:
            return
        before = len(self._live.rows)
        first = self._live.update()
        height = len(self._live.rows)
        for y in [y for y in self._drawn if y >= first]:
            del self._drawn[y]
        if height != before:
            self.refresh(layout=True)
        else:
            self.refresh(Region(0, first, self.size.width, height - first))

    def finish(self, message: Message) -> None:
        """The message is complete: lay it out once more, as one document."""
        self.message = message
        self._stream = self._live = None
        self.forget_layout()
        self.refresh(layout=True)

    def say_first(self, note: str) -> None:
        """Put a line above the text."""
        self._note = note
        self.forget_layout()
        self.refresh(layout=True)

    def open(self, opened: bool) -> None:
        """Show what the model thought in full, or fold it."""
        if opened != self._opened:
            self._opened = opened
            if self.message.reasoning:
                self.forget_layout()
                self.refresh(layout=True)

    def on_click(self, event: events.Click) -> None:
        """Open or fold what the model thought."""
        rows = self.rows_at(self.size.width)
        if event.y < len(rows) and rows[event.y].toggles and self._stream is None:
            event.stop()
            self.open(not self._opened)

    def forget_layout(self) -> None:
        """Lay out anew when next drawn: the colours or the content have changed."""
        self._laid_width = 0
        self._drawn.clear()

    def rows_at(self, width: int) -> list[Row]:
        """Return the rows for a widget of this width."""
        column = max(1, min(TEXT_WIDTH, width - MARGIN))
        if column != self._laid_width:
            self._laid_width = column
            self._drawn.clear()
            self._lay_out(column)
        return self._live.rows if self._live is not None else self._laid

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of rows; an empty reply takes one, for its glyph."""
        return max(1, len(self.rows_at(width)))

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        selection = self.text_selection
        if selection is None and (drawn := self._drawn.get(y)) is not None:
            return drawn
        rows = self.rows_at(self.size.width)
        strip = self._draw(rows[y] if y < len(rows) else BLANK, y, selection)
        if selection is None:
            self._drawn[y] = strip
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was written, without margins and soft line breaks."""
        return selected_text(self.rows_at(self.size.width), shifted(selection, MARGIN)), "\n\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection, or stop drawing it."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Draw in other colours when the theme changes."""
        super().notify_style_update()
        self._drawn.clear()

    def _lay_out(self, column: int) -> None:
        if self._stream is not None:
            self._live = GrowingRows(self._stream, column, self._first_rows(column))
            return
        message = self.message
        if message.role == "assistant":
            self._laid = [*self._first_rows(column), *finished_rows(message, column, self._opened)]
        else:
            text = printable(message.text)
            self._laid = [
                *self._first_rows(column),
                *_file_rows(message, column),
                *_folded(wrapped(Content(text.strip("\n")), column)),
            ]
        self._laid += _ending_rows(message, column, after_text=bool(self._laid))

    def _first_rows(self, column: int) -> list[Row]:
        """Say what a reader must know beforehand, and to those who listen, who speaks."""
        speaker = [Row(Content(_SPEAKERS[self.message.role]))] if self.app.has_class("-screen-reader") else []
        return [*speaker, *_note_rows(self._note, column)]

    def _draw(self, row: Row, y: int, selection: Selection | None) -> Strip:
        base = self.visual_style
        content = self._glyph(y) + row.content
        if selection is not None and (span := selection.get_span(y)) is not None:
            start, end = span
            style = self.screen.get_visual_style("screen--selection")
            content = content.stylize(style, max(MARGIN, start), len(content) if end == -1 else end)
        segments = [Segment(text, style.rich_style) for text, style in content.render(base, "", _style)]
        used, width = content.cell_length, self.size.width
        if row.fill and (room := min(width, MARGIN + self._laid_width) - used) > 0:
            segments.append(Segment(" " * room, (base + Style.parse(row.fill)).rich_style))
            used += room
        return Strip(segments, used).adjust_cell_length(width, base.rich_style).apply_offsets(0, y)

    def _glyph(self, y: int) -> Content:
        if y:
            return _NO_GLYPH
        if self._stream is not None:
            return _WRITING
        return _FAILED if self.message.finish == "failed" else _GLYPHS[self.message.role]


def _style(style: str | Style) -> Style:
    return Style.parse(style) if isinstance(style, str) else style


def _note_rows(note: str, column: int) -> list[Row]:
    return [*wrapped(Content.styled(note, "$text-warning"), column), BLANK] if note else []


def _file_rows(message: Message, column: int) -> list[Row]:
    rows = []
    for part in message.parts:
        if words := _file_words(part):
            rows += wrapped(Content.styled(words, "$text-muted"), column)
    return rows


def _file_words(part: Part) -> str:
    match part:
        case FilePart():
            return f"{printable_line(part.name)} · {part.text.count(chr(10)) + 1:,} lines"
        case ImagePart():
            size = f" {part.width}\N{MULTIPLICATION SIGN}{part.height}" if part.width else ""
            return f"▣ {printable_line(part.name) or 'picture'}{size}"
        case AudioPart():
            length = f" {part.seconds:.0f} s" if part.seconds is not None else ""
            return f"♪ {printable_line(part.name) or 'recording'}{length}"
    return ""


def _folded(rows: list[Row]) -> list[Row]:
    if len(rows) <= PROMPT_ROWS:
        return rows
    more = Content.styled(f"… {len(rows) - PROMPT_ROWS:,} more lines", "$text-muted")
    return [*rows[:PROMPT_ROWS], Row(more)]


def _ending_rows(message: Message, column: int, after_text: bool) -> list[Row]:
    """Say how a reply ended, unless the model was simply done."""
    if message.finish == "failed":
        content = Content.styled(printable_line(message.error or "the reply failed"), "$text-error")
        rows = wrapped(content, column)
    elif message.finish in _ENDINGS:
        rows = wrapped(Content.styled(_ENDINGS[message.finish], "$text-muted italic"), column)
    else:
        return []
    return [BLANK, *rows] if after_text else rows
