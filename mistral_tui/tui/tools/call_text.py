"""All that is known of one call, as a text to read."""

import time
from typing import Literal

from textual.content import Content

from mistral_tui.tui.tools.text import json_content
from mistral_tui.tui.tools.words import (
    APPROVALS,
    GLYPHS,
    STATES,
    call_name,
    output_size,
    progress_words,
    raw_output,
    seconds_words,
    size_words,
)
from mistral_tui.types.text import printable, printable_line
from mistral_tui.types.tools import ToolProgress, ToolRun

Form = Literal["pretty", "raw", "folded"]
FORMS: tuple[Form, ...] = ("pretty", "raw", "folded")
_FOLDED = 5
"""Lines of a folded text."""
_MOST = 100_000
"""Characters of a text that are shown."""


def call_text(run: ToolRun, form: Form = "pretty", progress: ToolProgress | None = None) -> Content:
    """Return what is known of a call.

    Args:
        run: The call.
        form: How its arguments and its result are shown.
        progress: How far it has come.
    """
    glyph, style = GLYPHS[run.state]
    words = [STATES[run.state]]
    if run.state == "running" and progress is not None:
        words += [progress_words(progress), printable_line(progress.message)]
    if run.seconds:
        words.append(seconds_words(run.seconds))
    if run.output is not None:
        words.append(size_words(output_size(run.output)))
    lines = [
        Content.assemble((f"{glyph} ", style), (printable_line(call_name(run)), "bold")),
        Content.styled(" · ".join(filter(None, words)), "$text-muted"),
    ]
    said = ["" if run.state == "asked" else APPROVALS[run.approval]]
    if run.started_at:
        said.append(_when(run.started_at))
    lines += [Content.styled(" · ".join(filter(None, said)), "$text-muted"), Content("")]
    lines += [Content.styled("arguments", "$text-disabled"), _body(run.arguments, form)]
    if run.error:
        lines += [Content(""), Content.styled(printable_line(run.error), "$text-error")]
    if run.output is not None:
        lines += [Content(""), Content.styled("result", "$text-disabled"), _body(raw_output(run) or "(nothing)", form)]
    return Content("\n").join(lines)


def _body(text: str, form: Form) -> Content:
    shown = text[:_MOST]
    content = json_content(shown) if form != "raw" else Content(printable(shown))
    rows = content.split("\n", allow_blank=True)
    if form == "folded" and len(rows) > _FOLDED:
        more = Content.styled(f"… {len(rows) - _FOLDED:,} more lines", "$text-muted")
        return Content("\n").join([*rows[:_FOLDED], more])
    if len(shown) < len(text):
        more = Content.styled(f"\n… {len(text) - len(shown):,} more characters; c copies all of them", "$text-muted")
        return content + more
    return content


def _when(seconds: float) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        return ""
