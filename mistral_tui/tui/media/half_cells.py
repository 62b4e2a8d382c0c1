"""Pictures in cells of two colours, one for the upper half and one for the lower: every terminal draws these."""

from textual.color import Color
from textual.content import Content, Span
from textual.style import Style

from mistral_tui.chat.previews.preview import Pixels


def lines(pixels: Pixels) -> tuple[Content, ...]:
    """Return a picture as text, two lines of pixels to a row."""
    return tuple(_line(pixels, y) for y in range(0, pixels.height - 1, 2))


def _line(pixels: Pixels, y: int) -> Content:
    size, rgb = 3 * pixels.width, pixels.rgb
    upper, lower = rgb[y * size : (y + 1) * size], rgb[(y + 1) * size : (y + 2) * size]
    spans, begin = [], 0
    for x in range(1, pixels.width + 1):
        if x == pixels.width or _pair(upper, lower, x) != _pair(upper, lower, begin):
            above, below = _pair(upper, lower, begin)
            spans.append(Span(begin, x, Style(foreground=Color(*above), background=Color(*below))))
            begin = x
    return Content("▀" * pixels.width, spans)


def _pair(upper: bytes, lower: bytes, x: int) -> tuple[bytes, bytes]:
    return upper[3 * x : 3 * x + 3], lower[3 * x : 3 * x + 3]
