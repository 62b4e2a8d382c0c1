"""The room that a picture or a waveform takes: known before anything is decoded, so that nothing moves then."""

from math import ceil
from typing import NamedTuple

from mistral_tui.types.messages import AudioPart, ImagePart

COLUMNS = 40
ROWS = 10
"""Of a picture in a chat, at most."""
BARS = 30
"""Of a waveform."""


class Box(NamedTuple):
    """Room on screen, in cells."""

    columns: int
    rows: int


class MediaLine(NamedTuple):
    """One line of what is drawn of a picture or a recording."""

    part: ImagePart | AudioPart
    box: Box
    line: int


def box_of(part: ImagePart, columns: int = COLUMNS, rows: int = ROWS) -> Box:
    """Return the room of a picture in its own proportions, a cell being twice as high as wide; none is enlarged.

    One whose size is not known is given the whole room.
    """
    if part.width <= 0 or part.height <= 0:
        return Box(columns, rows)
    scale = min(columns / part.width, rows * 2 / part.height, 1.0)
    return Box(max(1, round(part.width * scale)), max(1, ceil(part.height * scale / 2)))
