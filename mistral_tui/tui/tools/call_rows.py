"""The calls of a reply as rows of the transcript: a line each, which unfolds to the arguments and the result."""

import re
from dataclasses import dataclass

from textual.content import Content
from textual.style import Style

from mistral_tui.tui.chat.markdown import code_rows
from mistral_tui.tui.chat.message_look import DOES
from mistral_tui.tui.chat.rows import Row, indented, wrapped
from mistral_tui.tui.media.graphics import Graphics
from mistral_tui.tui.media.rows import attachment_rows
from mistral_tui.tui.tools.words import (
    GLYPHS,
    STATES,
    call_name,
    output_size,
    pretty,
    progress_words,
    raw_output,
    seconds_words,
    size_words,
)
from mistral_tui.types.messages import AudioPart, ImagePart
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import ToolProgress, ToolRun

UNFOLDED_ROWS = 16
"""Rows of the arguments, and of the result, that an unfolded call shows; the inspector shows all."""
_UNFOLDED_TEXT = 6_000
"""Characters of them that are laid out at all."""
_FIGURES = 20
"""Cells at the right: how a call ended, how long it took, and how much it answered."""
_NARROW = 44
"""Cells below which there is no room for figures."""
_DIM = "$text-muted"
_KEY = re.compile(r'"(\w+)"\s*:\s*')
_INDENT = Content("  ")


@dataclass(frozen=True)
class CallState:
    """What became of a call so far."""

    run: ToolRun
    progress: ToolProgress | None = None


def call_row(
    name: str, arguments: str, width: int, state: CallState | None = None, index: int | None = None, heard: bool = False
) -> Row:
    """Return a call on one line: the name, as much of the arguments as fits, and how it went.

    Args:
        name: What the model calls.
        arguments: JSON text, as far as it is written.
        width: Cells of the row.
        state: What became of it; `None`: nothing yet.
        index: Which call of its reply it is: a click unfolds it. `None`: it cannot be unfolded.
        heard: Whether the screen is listened to: then the state is a word in any case.
    """
    glyph, style = ("→", "$accent") if state is None else GLYPHS[state.run.state]
    figures = _figures(state, heard) if state is not None and width >= _NARROW else Content("")
    room = width - (_FIGURES + 1 if figures else 0)
    inside = _KEY.sub(r"\1: ", printable_line(arguments[: 4 * width]).removeprefix("{").removesuffix("}")).strip()
    shown = printable_line((name if state is None else call_name(state.run))[:200])
    words = Content.assemble((f"{glyph} ", style), (shown, "bold"), ("(", _DIM), (inside, _DIM), (")", _DIM))
    if words.cell_length > room:
        words = words.truncate(room - 1, ellipsis=True) + Content.styled(")", _DIM) if room > 1 else Content(glyph)
    if figures:
        words = words.pad_right(width - words.cell_length - figures.cell_length) + figures
    if index is not None:
        words = words.stylize(Style.from_meta({DOES: f"open_call({index})"}))
    return Row(words, call=True)


def unfolded_rows(state: CallState, width: int) -> list[Row]:
    """Return what is below the line of an unfolded call: its arguments, and what it answered so far."""
    run = state.run
    room = max(1, width - len(_INDENT))
    rows = _block("arguments", run.arguments, room)
    if run.output is not None:
        rows += _block("result", raw_output(run) or "(nothing)", room)
    elif run.error:
        rows += wrapped(Content.styled(printable_line(run.error), "$text-error"), room)
    elif state.progress is not None and state.progress.message:
        rows += wrapped(Content.styled(printable_line(state.progress.message), _DIM), room)
    return indented(rows, _INDENT, _INDENT)


def media_rows(run: ToolRun, width: int, graphics: Graphics) -> list[Row]:
    """Return the pictures and recordings that a call answered with; they are shown also while it is folded."""
    parts = [] if run.output is None else [part for part in run.output.parts if isinstance(part, ImagePart | AudioPart)]
    return attachment_rows(parts, width, graphics) if parts else []


def _figures(state: CallState, heard: bool) -> Content:
    run = state.run
    if run.state == "running":
        words = "running" if state.progress is None else f"running {progress_words(state.progress):>5}"
        return Content.styled(words.rjust(_FIGURES), "$accent")
    took = f"{seconds_words(run.seconds):>8}" if run.seconds else " " * 8
    size = f"{size_words(output_size(run.output)):>9}" if run.output is not None else ""
    if run.state == "done" and not heard:
        return Content.styled(f"{took}{size}".rjust(_FIGURES), _DIM)
    word = STATES[run.state]
    if heard:
        return Content(f" {word} {took.strip()} {size.strip()}".rstrip().rjust(_FIGURES))
    style = GLYPHS[run.state][1]
    return Content.assemble(" " * max(0, _FIGURES - len(word) - len(took)), (took, _DIM), " ", (word, style))[
        -_FIGURES:
    ]


def _block(label: str, text: str, width: int) -> list[Row]:
    cut = text[:_UNFOLDED_TEXT]
    shown, language = pretty(cut) if len(cut) == len(text) else (pretty(cut)[0], "")
    rows = code_rows(shown, language, width)[bool(language) :]  # without the name of the language
    title = Row(Content.styled(label, "$text-disabled"))
    rows = [row._replace(code=False) for row in rows]  # it is not one of the blocks that keys copy
    if len(rows) > UNFOLDED_ROWS or len(cut) < len(text):
        rest = Content.styled("… cut here · alt+k shows all of it", _DIM)
        rows = [*rows[: UNFOLDED_ROWS - 1], Row(rest, lead=len(rest))]
    return [title, *rows]
