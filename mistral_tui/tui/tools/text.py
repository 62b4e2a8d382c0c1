"""JSON and diffs in colours."""

from collections.abc import Sequence

from textual.content import Content

from mistral_tui.tui.tools.words import pretty
from mistral_tui.types.text import printable

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


def diff_content(lines: Sequence[str]) -> Content:
    """Return the lines of a unified diff: signs say what colours do, too."""
    return Content("\n").join([Content.styled(printable(line), _SIGNS.get(line[:1], "")) for line in lines])
