"""How a message is shown besides what it says: chosen or not, folded, as source or as tokens, and its foot."""

import time
from dataclasses import dataclass

from textual.content import Content
from textual.style import Style

from mistral_tui.chat.token_scores import ScoredReply
from mistral_tui.tui.chat.rows import Row, wrapped
from mistral_tui.types.messages import Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from mistral_tui.types.text import printable, printable_line

MARK = Content.styled("▌ ", "$accent")
"""In the margin of the chosen message."""
DOES = "does"
"""The key, in the meta data of a style, of what a click there does with the message."""
MENU = "menu"
"""What it does where all that can be done is listed."""
_BEFORE = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
_AFTER = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
_NAME = 24
"""Characters of a model's name."""


@dataclass(frozen=True)
class Look:
    """How one message is shown."""

    chosen: bool = False
    """Whether the cursor is on it."""
    number: int = 1
    """Which of its siblings it is, from 1."""
    siblings: int = 1
    raw: bool = False
    """Whether its source is shown."""
    folded: bool = False
    opened: bool | None = None
    """Whether a long prompt is shown in full, or what the model thought; `None`: as all messages."""
    calls: frozenset[int] = frozenset()
    """Which of its calls are shown with arguments and result, from 0."""
    tokens: ScoredReply | None = None
    """Its tokens, if these are to be shown."""
    token: int | None = None
    """The token that is pointed at."""


USUAL = Look()


def source_rows(message: Message, width: int) -> list[Row]:
    """Lay out what the model wrote, or read, as it is."""
    pieces = []
    for part in message.parts:
        match part:
            case TextPart(text) | ReasoningPart(text) | ToolResultPart(_, text):
                style = "" if isinstance(part, TextPart) else "$text-muted"
                pieces.append(Content.styled(printable(text).strip("\n"), style))
            case ToolCallPart(_, name, arguments):
                pieces.append(Content.styled(printable(f"{name} {arguments}"), "$text-muted"))
    return wrapped(Content("\n\n").join(pieces), width)


def folded_rows(rows: list[Row]) -> list[Row]:
    """Return the first row that says something, with the heading of its code block, and how many more there are."""
    shown = 2 if rows and rows[0].code else 1
    if len(rows) <= shown + 1:
        return rows
    more = Content.styled(f"… {len(rows) - shown:,} more lines · space unfolds", "$text-muted")
    return [*rows[:shown], Row(more, lead=len(more))]


def foot(message: Message, look: Look, width: int) -> Content:
    """Return the line below a message: its place among its siblings, and of the chosen one who, when and how fast."""
    words: list[Content] = []
    if look.siblings > 1:
        style = "$accent" if look.chosen else "$text-muted"
        turns = ((_BEFORE, "branch_before"), (f" {look.number}/{look.siblings} ", ""), (_AFTER, "branch_after"))
        words.append(Content("").join([_does(Content.styled(each, style), call) for each, call in turns]))
    if look.chosen:
        words += [Content.styled(word, "$text-disabled") for word in _details(message)]
    between = Content.styled(" · ", "$text-disabled")
    more = between + _does(Content.styled("more", "$text-muted"), MENU) if look.chosen else Content("")
    line = between.join(words)
    while len(words) > 1 and line.cell_length + more.cell_length > width:
        words.pop()  # half a figure would be misread
        line = between.join(words)
    return (line + more).truncate(width, ellipsis=True)


def _does(content: Content, call: str) -> Content:
    return content.stylize(Style.from_meta({DOES: call})) if call else content


def _details(message: Message) -> list[str]:
    if message.role == "assistant":
        name = printable_line(message.model) if message.model else "written by you"
        who = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    else:
        who = {"user": "you", "system": "system", "tool": "tool"}[message.role]
    words = [who, _when(message.created_at)]
    if (usage := message.usage) is not None and usage.completion_tokens:
        words.append(f"{usage.completion_tokens:,} token{'s' if usage.completion_tokens > 1 else ''}")
        if usage.time_to_first_token:
            words.append(f"TTFT {usage.time_to_first_token:.2f} s")
        if usage.decode_rate:
            words.append(f"{usage.decode_rate:.1f} tok/s")
    return words


def _when(seconds: float) -> str:
    try:
        then, now = time.localtime(seconds), time.localtime()
    except (OverflowError, OSError, ValueError):
        return "at an unknown time"
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    day = f"{then.tm_mday} {time.strftime('%b', then)}"
    return f"{day} {time.strftime('%H:%M', then)}" if then.tm_year == now.tm_year else f"{day} {then.tm_year}"
