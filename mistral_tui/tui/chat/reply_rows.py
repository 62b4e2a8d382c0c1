"""The rows of a reply: its text as Markdown, what the model thought folded above it, and a line for each call.

While reasoning is being written its last lines are in view; when the answer begins they fold.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from textual.content import Content

from mistral_tui.tui.chat.markdown import markdown_rows
from mistral_tui.tui.chat.reply_stream import CallStream, Growing, ReasoningStream, ReplyStream, TextStream
from mistral_tui.tui.chat.rows import BLANK, Row, indented, wrapped
from mistral_tui.tui.chat.streaming_rows import StreamingRows
from mistral_tui.tui.media.graphics import Graphics
from mistral_tui.tui.media.rows import attachment_rows
from mistral_tui.tui.tools.call_rows import CallState, call_row, media_rows, unfolded_rows
from mistral_tui.types.messages import AudioPart, ImagePart, Message, ReasoningPart, TextPart, ToolCallPart
from mistral_tui.types.text import printable

TAIL_ROWS = 4
"""Rows of growing reasoning that are shown."""
_DIM = "$text-muted"
_INDENT = Content("  ")


def finished_rows(
    message: Message,
    width: int,
    opened: bool,
    graphics: Graphics = "words",
    calls: Mapping[str, CallState] = MappingProxyType({}),
    unfolded: frozenset[int] = frozenset(),
    heard: bool = False,
) -> list[Row]:
    """Lay out a complete reply.

    Args:
        message: The reply.
        width: Cells of a row.
        opened: Whether what the model thought is shown in full.
        graphics: How pictures are drawn.
        calls: What became of its calls, by their ids.
        unfolded: Which of its calls are shown with arguments and result, from 0.
        heard: Whether the screen is listened to.
    """
    rows: list[Row] = []
    index = 0
    for part in message.parts:
        match part:
            case TextPart(text):
                _append(rows, markdown_rows(printable(text).strip("\n"), width))
            case ReasoningPart(text, seconds):
                _append(rows, _thought(text, seconds, width, opened))
            case ToolCallPart(call_id, name, arguments):
                state = calls.get(call_id)
                if state is None:
                    _append(rows, [call_row(name, arguments, width)], close=True)
                else:
                    _append(rows, [call_row(name, arguments, width, state, index, heard)], close=True)
                    rows += unfolded_rows(state, width) if index in unfolded else []
                    rows += media_rows(state.run, width, graphics)
                index += 1
            case ImagePart() | AudioPart():
                _append(rows, attachment_rows([part], width, graphics))
    return rows


class GrowingRows:
    """Rows of a `ReplyStream` at one width."""

    def __init__(self, stream: ReplyStream, width: int, above: Sequence[Row] = ()) -> None:
        """Lay out what `stream` has so far; the rows `above` come first."""
        self.rows: list[Row] = [*above]
        self._stream = stream
        self._width = width
        self._above = len(above)
        self._closed = 0
        """Parts that no longer grow, and are laid out."""
        self._settled = len(above)
        """Rows of those."""
        self._text: StreamingRows | None = None
        """Rows of all parts, while the last one is text."""
        self.update()

    def update(self) -> int:
        """Lay out what was fed since the last time; returns the first row that may have changed."""
        parts = self._stream.parts
        if self._closed >= len(parts) - 1:
            return self._update_last(parts[-1]) if parts else len(self.rows)
        first = self._settled
        rows = self.rows[: self._settled]
        for part in parts[self._closed : -1]:
            self._add(rows, part, grows=False)
        self.rows, self._text = rows, None
        self._closed, self._settled = len(parts) - 1, len(rows)
        self._update_last(parts[-1])
        return first

    def _update_last(self, part: Growing) -> int:
        if isinstance(part, TextStream):
            if self._text is None:
                gap = [BLANK] if self._settled > self._above else []
                self._text = StreamingRows(part, self._width, [*self.rows[: self._settled], *gap])
                self.rows = self._text.rows
                return self._settled
            return self._text.update()
        del self.rows[self._settled :]
        self._add(self.rows, part, grows=True)
        return self._settled

    def _add(self, rows: list[Row], part: Growing, *, grows: bool) -> None:
        own = rows[self._above :]
        match part:
            case TextStream():
                _append(own, markdown_rows(part.text.strip("\n"), self._width))
            case ReasoningStream():
                _append(
                    own, _thinking(part.tail, self._width) if grows else _thought("", part.seconds, self._width, False)
                )
            case CallStream():
                _append(own, [call_row(part.name, part.arguments, self._width)], close=True)
        rows[self._above :] = own


def _append(rows: list[Row], more: list[Row], *, close: bool = False) -> None:
    """Add the rows of a part, with a blank one before; calls stand `close` to one another."""
    if rows and more and not (close and rows[-1].call):
        rows.append(BLANK)
    rows += more


def _thought(text: str, seconds: float | None, width: int, opened: bool) -> list[Row]:
    rows = _dim_rows(printable(text).strip("\n"), width) if opened else []
    return [_folded(seconds, "▾" if opened else "▸"), *rows]


def _folded(seconds: float | None, mark: str = "▸") -> Row:
    words = "thought" if seconds is None else f"thought for {_duration(seconds)}"
    content = Content.styled(f"{mark} {words}", _DIM)
    return Row(content, lead=len(content), toggles=True)


def _thinking(tail: str, width: int) -> list[Row]:
    return [Row(Content.styled("thinking…", _DIM)), *_dim_rows(tail.strip("\n"), width)[-TAIL_ROWS:]]


def _dim_rows(text: str, width: int) -> list[Row]:
    room = max(1, width - len(_INDENT))
    return indented(wrapped(Content.styled(text, _DIM), room), _INDENT, _INDENT) if text else []


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"
