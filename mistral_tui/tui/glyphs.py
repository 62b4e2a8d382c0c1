"""Signs for terminals that lack ours, and for those who listen to the screen.

Nothing else knows: whatever a widget draws passes here on its way to the terminal, borders and scrollbars included.
"""

# ruff: noqa: RUF001  # that these look like those of ASCII is why they are here
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_BARS = "│┃║▏▎▍▌▋▊▉▐▕▒▓█╎┆┊"
_LINES = "─━═▁▂▃▄▅▆▇▔▀╌┄┈╴╶╸╺"
_CORNERS = "┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋▖▗▘▝▞▟▙▛▜▚"
_WORDS = {
    "❯": ">", "●": "*", "○": "o", "≡": "=", "⚙": "#", "✗": "x", "✓": "v", "▣": "#", "♪": "~", "•": "*", "◦": "o",
    "…": ".", "·": "-", "–": "-", "—": "-", "‑": "-", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‹": "<",
    "→": ">", "←": "<", "↑": "^", "↓": "v", "↳": ">", "▶": ">", "◀": "<", "▲": "^", "▼": "v", "×": "x", "∞": "8",
    "✕": "x", "›": ">", "»": ">", "▸": ">", "▾": "v", "◷": "~", "⊘": "!", "■": "#", "▤": "#", "↵": "$", "⇥": ">",
    "━": "=", "⇉": ">", "☐": "o", "☑": "v", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
ASCII = str.maketrans(
    {**dict.fromkeys(_BARS, "|"), **dict.fromkeys(_LINES, "-"), **dict.fromkeys(_CORNERS, "+"), **_WORDS}
)
"""For each sign one of ASCII, of the same width: nothing moves."""
SILENT = str.maketrans(dict.fromkeys(_BARS + _LINES + _CORNERS + "❯●○≡⚙▣▤▶◀▲▼✕◷⊘■", " "))
"""What only draws is left out: a screen reader would read it aloud."""


class Glyphs(LineFilter):
    """Draws other signs instead of ours."""

    def __init__(self, table: dict[int, str]) -> None:
        super().__init__()
        self._table = table

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with other signs."""
        table = self._table
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(table), segment.style, segment.control)
            for segment in segments
        ]
