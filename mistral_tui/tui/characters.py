"""Characters as people see them: where a cursor may stand between them, and which keys write one.

A family emoji is five code points and a letter with an accent may be two: Textual counts code points.
"""

import unicodedata
from bisect import bisect_left
from typing import Final

from rich.cells import split_graphemes
from rich.style import Style
from rich.text import Text
from textual import events

from mistral_tui.types.text import printable

_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
"""Two of them are a flag."""
_JOINER: Final = "\u200d"
"""Makes one character of two emoji."""


def borders(line: str) -> list[int]:
    """Return the places in a line where a cursor may stand, both ends among them."""
    if line.isascii():
        return list(range(len(line) + 1))
    found = [0]
    flag_open = False
    for start, end, _ in split_graphemes(line)[0]:
        letter = end == start + 1 and ord(line[start]) in _FLAG_LETTERS
        if letter and flag_open:
            found[-1] = end
        else:
            joint = line.rfind(_JOINER, start, end - 1) + 1
            if joint and unicodedata.category(line[joint])[0] in "LNPZ":
                found.append(joint)  # what was to be joined is still being typed
            found.append(end)
        flag_open = letter and not flag_open
    return found


def written_by(event: events.Key) -> str:
    """Return the character that a key writes although Python calls it unprintable; nothing for all other keys.

    Emoji keyboards send joiners, Persian ones the non-joiner, Japanese and French ones spaces of their own.
    """
    character = event.character or ""
    if character.isprintable() or character.isascii() or event.key.startswith("alt+"):
        return ""
    return printable(character)


class GraphemeText(Text):
    """A line that is coloured in whole characters: half of one cannot be drawn."""

    def stylize(self, style: str | Style, start: int = 0, end: int | None = None) -> None:
        """Apply a style to a span, made longer so that it ends between characters."""
        if end is not None and 0 <= end < len(self.plain) and not self.plain.isascii():
            places = borders(self.plain)
            end = places[min(bisect_left(places, end), len(places) - 1)]
        super().stylize(style, start, end)
