"""Calls in words: what state they are in, how long they took, and what they say."""

import json
import re
from typing import Final

import msgspec

from mistral_tui.types.messages import AudioPart, FilePart, ImagePart, TextPart
from mistral_tui.types.text import printable
from mistral_tui.types.tools import LinkPart, RunState, ToolOutput, ToolProgress, ToolRun

GLYPHS: Final[dict[RunState, tuple[str, str]]] = {
    "asked": ("?", "bold $text-warning"),
    "running": ("◷", "$accent"),
    "done": ("✓", "$text-success"),
    "failed": ("✗", "$text-error"),
    "invalid": ("✗", "$text-error"),
    "denied": ("⊘", "$text-warning"),
    "cancelled": ("■", "$text-muted"),
}
"""The sign of each state, and its style."""
_UNSEEN: Final = re.compile(
    "[\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Characters that cannot be seen: in JSON they are shown by their numbers, since arguments are agreed to."""
STATES: Final[dict[RunState, str]] = {
    "asked": "asks you",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "invalid": "not possible",
    "denied": "not allowed",
    "cancelled": "stopped",
}
APPROVALS: Final = {
    "": "nobody had to allow it",
    "rule": "by a rule",
    "once": "by you, this once",
    "session": "by you, for this chat",
    "always": "by you, always",
}


def call_name(run: ToolRun) -> str:
    """Return what is called: the server and its tool, or what the model said if there is no such tool."""
    return f"{run.server}/{run.tool}" if run.server else run.name


def seconds_words(seconds: float) -> str:
    """Return a time for people, never longer than eight cells."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 1000 else f"{seconds / 60:.0f} min"


def size_words(size: int) -> str:
    """Return a size for people, never longer than eight cells."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def output_size(output: ToolOutput) -> int:
    """Return how much a tool answered: characters of texts, and bytes of files."""
    size = 0
    for part in output.parts:
        match part:
            case TextPart(text) | FilePart(_, text):
                size += len(text)
            case ImagePart() | AudioPart():
                size += part.size
            case LinkPart(uri):
                size += len(uri)
    return size if output.parts or output.structured is None else len(msgspec.json.encode(output.structured))


def progress_words(progress: ToolProgress) -> str:
    """Return how far a call has come, in few cells."""
    if progress.total and progress.total > 0:
        return f"{max(0.0, min(1.0, progress.done / progress.total)):.0%}"
    return f"{progress.done:,.0f}"


def raw_output(run: ToolRun) -> str:
    """Return what the tool answered, or why it did not, as it came but harmless."""
    if run.output is None:
        return printable(run.error)
    blocks: list[str] = []
    for part in run.output.parts:
        match part:
            case TextPart(text):
                blocks.append(text)
            case FilePart(name, text):
                blocks.append(f"{name}:\n{text}")
            case LinkPart(uri, name, description):
                blocks.append(" · ".join(filter(None, (name, description, uri))))
            case ImagePart():
                blocks.append(f"(a picture: {part.path})")
            case AudioPart():
                blocks.append(f"(a recording: {part.path})")
    if not blocks and run.output.structured is not None:
        blocks.append(json.dumps(run.output.structured, ensure_ascii=False))
    return printable("\n\n".join(blocks)).strip("\n")


def pretty(text: str, limit: int = 200_000) -> tuple[str, str]:
    """Return a text for people and the language that it is in: JSON is broken into lines, all else is as it is.

    Args:
        text: What to show.
        limit: Characters beyond which nothing is parsed.
    """
    stripped = text.strip()
    if stripped[:1] in ("{", "[") and len(text) <= limit:
        try:
            lines = json.dumps(json.loads(stripped), indent=2, ensure_ascii=False)
            return printable(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", lines)), "json"
        except (ValueError, RecursionError):
            pass
    return printable(text).strip("\n"), ""
