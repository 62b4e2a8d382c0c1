"""One message of the transcript, as one widget however long it is.

It draws rows straight into strips. A reply that is being written grows in place: what it costs to show more of it
does not depend on how long it has become.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from rich.segment import Segment
from textual import events
from textual._context import active_app
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message as PostedMessage
from textual.reactive import Reactive
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from mistral_tui.tui.chat.message_look import DOES, MARK, MENU, USUAL, Look, folded_rows, foot, source_rows
from mistral_tui.tui.chat.reply_rows import GrowingRows, finished_rows
from mistral_tui.tui.chat.reply_stream import ReplyStream
from mistral_tui.tui.chat.rows import BLANK, Row, selected_text, shifted, wrapped
from mistral_tui.tui.chat.token_rows import Place, token_rows
from mistral_tui.tui.context_menu import MenuWanted
from mistral_tui.tui.media.drawings import Drawings
from mistral_tui.tui.media.graphics import Graphics, graphics_of
from mistral_tui.tui.media.rows import attachment_rows
from mistral_tui.tui.tools.call_rows import CallState
from mistral_tui.types.messages import Message
from mistral_tui.types.text import printable, printable_line

GLYPH = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
"""Stands before what the person says."""
MARGIN = 2
"""Cells left of the text: who speaks, and a space."""
TEXT_WIDTH = 100
"""A line of text is at most this many cells long."""
PROMPT_ROWS = 200
"""Rows of a prompt that are shown: a pasted book is folded."""
DRAWN_ROWS = 200
"""Rows of a message that are kept as they were drawn, for they take kilobytes each: a few screens of them."""

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
    MessageView { width: 1fr; height: auto; }
    """

    # Textual lays out once more when this has changed; here nothing depends on it.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)

    @dataclass
    class Clicked(PostedMessage):
        """The person clicked it."""

        view: "MessageView"
        toggles: bool
        """Whether on the line that opens or folds what the model thought."""
        call: str = ""
        """What is to be done with the message, if it was clicked where that is offered."""
        menu: MenuWanted | None = None
        """The person wants to know what can be done with it."""

        @property
        def control(self) -> "MessageView":
            """The message that was clicked."""
            return self.view

    def __init__(
        self,
        message: Message,
        stream: ReplyStream | None = None,
        note: str = "",
        opened: bool = False,
        look: Look = USUAL,
        calls: Mapping[str, CallState] = MappingProxyType({}),
    ) -> None:
        """Show `message`.

        Args:
            message: What to show; the parts of a finished message are its own.
            stream: The parts of a reply that is still being written; whoever feeds it calls `flush`.
            note: A line above the text, for what a reader must know beforehand.
            opened: Whether what the model thought is shown in full.
            look: How it is shown besides.
            calls: What became of its calls, by their ids.
        """
        super().__init__()
        self.message = message
        self._opened = opened
        self._look = look
        self._stream = stream
        self._note = note
        self._calls = calls
        self._live: GrowingRows | None = None
        self._laid: list[Row] = []
        self._laid_width = 0
        self._places: list[Place] = []
        """Where its tokens are, if these are shown."""
        self._blocks: dict[int, int] = {}
        """The numbers of its code blocks, by the row that they begin with."""
        self._drawn: dict[int, Strip] = {}
        self._drawn_width = 0
        self._drawings = Drawings(self, MARGIN, self._media_came)

    def on_unmount(self) -> None:
        """Let the terminal forget its pictures."""
        self._drawings.close()

    @property
    def look(self) -> Look:
        """How it is shown besides what it says."""
        return self._look

    def show_as(self, look: Look) -> None:
        """Show it in another way."""
        before, self._look = self._look, look
        if replace(before, chosen=look.chosen, number=look.number, token=look.token) != look:
            self.forget_layout()
            self.refresh(layout=True)
        elif look != before:
            self._drawn.clear()
            self.refresh()

    @property
    def is_cut(self) -> bool:
        """Whether it is a prompt of which only the beginning is shown."""
        return self.message.role == "user" and any(row.cut for row in self._laid)

    def row_of_token(self, token: int) -> int:
        """Return the row in which a token is drawn; 0 if tokens are not shown."""
        return self._places[token].row if token < len(self._places) else 0

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

    def show_calls(self, calls: Mapping[str, CallState]) -> None:
        """Show what became of its calls; a line that changes moves nothing."""
        self._calls = calls
        before = len(self._laid)
        self.forget_layout()
        self.refresh(layout=len(self.rows_at(self.size.width)) != before)

    def open(self, opened: bool) -> None:
        """Show what the model thought in full, or fold it."""
        if opened != self._opened:
            self._opened = opened
            if self.message.reasoning:
                self.forget_layout()
                self.refresh(layout=True)

    def on_click(self, event: events.Click) -> None:
        """Tell that it was clicked, and whether where thoughts are opened or folded."""
        rows = self.rows_at(self.size.width)
        toggles = event.y < len(rows) and rows[event.y].toggles and self._stream is None
        call = str(event.style.meta.get(DOES, ""))
        menu = MenuWanted("message", event.screen_offset) if call == MENU else MenuWanted.by(event, "message")
        event.stop()
        self.post_message(self.Clicked(self, toggles and menu is None, "" if menu else call, menu))

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
        """Return the number of rows: the text, at least one for the glyph, the foot, and a blank one below its counter.

        Without a counter the foot is the blank row, so that nothing moves when the message is chosen.
        """
        return max(1, len(self.rows_at(width))) + (2 if self._look.siblings > 1 else 1)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the rows in view; there is no border around them, nor anything else that style sheets could add."""
        if not self.is_attached:
            # It was taken away, and is in the picture until the next layout.
            return [self._drawn.get(y, Strip.blank(crop.width)) for y in crop.line_range]
        if len(self._drawn) > DRAWN_ROWS or self._drawn_width != self.size.width:
            self._drawn.clear()
            self._drawn_width = self.size.width
        strips = [self._drawn_row(y) for y in crop.line_range]
        if crop.column_span != (0, self._drawn_width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw a row that is pointed at: it says of each piece where in the text that is."""
        return self._drawn_row(y).apply_offsets(0, y)

    def forget_drawn(self) -> None:
        """Draw the message anew when it is next in view."""
        self._drawn.clear()

    def _drawn_row(self, y: int) -> Strip:
        if not self.is_attached:
            return Strip.blank(self.size.width)  # another chat is shown, and the screen is not laid out yet
        selection = self.text_selection
        if selection is None and (drawn := self._drawn.get(y)) is not None:
            return drawn
        rows = self.rows_at(self.size.width)
        if y == max(1, len(rows)):
            strip = self._draw(Row(foot(self.message, self._look, self._laid_width)), y, None)
        else:
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
        message, look = self.message, self._look
        self._places = []
        if look.raw:
            self._laid = [*self._first_rows(column), *source_rows(message, column)]
        elif look.tokens is not None:
            self._laid, self._places = token_rows(look.tokens, column)
        elif message.role == "assistant":
            replied = finished_rows(
                *(message, column, self._shows_all, self._graphics, self._calls, look.calls, self._is_heard)
            )
            self._laid = [*self._first_rows(column), *replied]
        else:
            text = printable(message.text)
            rows = wrapped(Content(text.strip("\n")), column)
            self._laid = [
                *self._first_rows(column),
                *attachment_rows(message.parts, column, self._graphics),
                *(rows if look.opened else _folded(rows)),
            ]
        self._laid += _ending_rows(message, column, after_text=bool(self._laid))
        if look.folded:
            self._laid = folded_rows(self._laid)
        starts = [y for y, row in enumerate(self._laid) if row.code]
        self._blocks = {y: number for number, y in enumerate(starts, 1)}
        self._drawings.lay_out(self._laid)

    @property
    def _graphics(self) -> Graphics:
        # Not "attached": messages are laid out before they are mounted, so that it is known how high they will be.
        app = active_app.get(None)
        return graphics_of(app) if app is not None else "words"

    def _media_came(self) -> None:
        """A picture is decoded; it goes where there is room for it already."""
        self._drawn.clear()
        self.refresh()

    @property
    def _is_heard(self) -> bool:
        """Whether the screen is listened to."""
        app = active_app.get(None)
        return app is not None and app.has_class("-screen-reader")

    @property
    def _shows_all(self) -> bool:
        return self._opened if self._look.opened is None else self._look.opened

    def _first_rows(self, column: int) -> list[Row]:
        """Say what a reader must know beforehand, and to those who listen, who speaks."""
        speaker = [Row(Content(_SPEAKERS[self.message.role]))] if self._is_heard else []
        return [*speaker, *_note_rows(self._note, column)]

    def _draw(self, row: Row, y: int, selection: Selection | None) -> Strip:
        base = self.visual_style
        if row.media is not None:
            row = row._replace(content=row.content + self._drawings.line(row.media))
        content = self._glyph(y) + (self._marked(row, y) if self._look.chosen else row.content)
        if selection is not None and (span := selection.get_span(y)) is not None:
            start, end = span
            style = self.screen.get_visual_style("screen--selection")
            content = content.stylize(style, max(MARGIN, start), len(content) if end == -1 else end)
        segments = [Segment(text, style.rich_style) for text, style in content.render(base, "", _style)]
        used, width = content.cell_length, self.size.width
        if row.fill and (room := min(width, MARGIN + self._laid_width) - used) > 0:
            segments.append(Segment(" " * room, (base + Style.parse(row.fill)).rich_style))
            used += room
        strip = Strip(segments, used).adjust_cell_length(width, base.rich_style)
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip

    def _marked(self, row: Row, y: int) -> Content:
        """Return a row of the chosen message with the number of its code block, and the token that is pointed at."""
        if self._look.token is not None and self._look.token < len(self._places):
            place = self._places[self._look.token]
            return row.content.stylize("reverse", place.start, place.end) if place.row == y else row.content
        if y not in self._blocks or self._blocks[y] > 9:
            return row.content
        number = Content.styled(f" {self._blocks[y]} ", "bold $accent on $code-background")
        number = number.stylize(Style.from_meta({DOES: f"copy_code({self._blocks[y]})"}))
        if not row.content.plain[: len(number)].strip():
            return number + row.content[len(number) :]
        room = self._laid_width - len(number)
        return (
            row.content
            if row.content.cell_length > room
            else row.content.pad_right(room - row.content.cell_length) + number
        )

    def _glyph(self, y: int) -> Content:
        if self._look.chosen:
            return MARK if y <= max(1, len(self.rows_at(self.size.width))) else _NO_GLYPH
        if y:
            return _NO_GLYPH
        if self._stream is not None:
            return _WRITING
        return _FAILED if self.message.finish == "failed" else _GLYPHS[self.message.role]


def _style(style: str | Style) -> Style:
    return Style.parse(style) if isinstance(style, str) else style


def _note_rows(note: str, column: int) -> list[Row]:
    return [*wrapped(Content.styled(note, "$text-warning"), column), BLANK] if note else []


def _folded(rows: list[Row]) -> list[Row]:
    if len(rows) <= PROMPT_ROWS:
        return rows
    more = Content.styled(f"… {len(rows) - PROMPT_ROWS:,} more lines · space shows them", "$text-muted")
    return [*rows[:PROMPT_ROWS], Row(more, cut=True)]


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
