"""JSON and diffs in colours."""

from collections.abc import Sequence

import msgspec
from textual.content import Content

from mistral_tui.tui.tools.words import pretty
from mistral_tui.types.text import printable
from mistral_tui.types.tools import ToolDefinition

_MOST_COLOURED = 20_000
"""Characters that are given colours: more would take long."""
_SIGNS = {"+": "$text-success", "-": "$text-error", "@": "$text-muted"}


def json_content(text: str) -> Content:
    """Return a text for people: JSON in lines and colours, all else as it is."""
    shown, language = pretty(text)
    if not language or len(shown) > _MOST_COLOURED:
        return Content(shown)
    from mistral_tui.tui.chat.code_colours import highlighted

    return highlighted(shown, language)


def definition_diff(before: ToolDefinition, now: ToolDefinition) -> list[str]:
    """Return what has changed in what a server says of its tool, as lines of a diff."""
    import difflib

    old, new = (
        msgspec.json.format(msgspec.json.encode(each, order="deterministic"), indent=2).decode().splitlines()
        for each in (before, now)
    )
    return list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def diff_content(lines: Sequence[str]) -> Content:
    """Return the lines of a unified diff: signs say what colours do, too."""
    return Content("\n").join([Content.styled(printable(line), _SIGNS.get(line[:1], "")) for line in lines])
