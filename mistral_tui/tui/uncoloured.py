"""A screen without any colour, for those who set NO_COLOR: what is marked by one is drawn in reverse."""

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_DIM = 8
"""The terminal's colour of what is not there, such as the rest of a gauge."""
_THIN = str.maketrans("━", "─")
_DEFAULT = Style.from_color(RichColor.default(), RichColor.default())


class Uncoloured(LineFilter):
    """Takes the colours away. It belongs to a theme whose own background is that of the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without colours."""
        return [Segment(_thinned(text, style), style and _without(style), control) for text, style, control in segments]


def _thinned(text: str, style: Style | None) -> str:
    """Return the text; the rest of a gauge, which only a colour would tell from what is filled, as a thinner line."""
    dim = style is not None and style.color is not None and style.color.number == _DIM
    return text.translate(_THIN) if dim and "━" in text else text


def _without(style: Style) -> Style:
    marked = style.bgcolor is not None and not style.bgcolor.is_default
    return style + _DEFAULT + Style(reverse=True) if marked else style + _DEFAULT
