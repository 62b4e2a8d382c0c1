"""Pictures and recordings in so few cells that a terminal can show them."""

import array
import sys
import wave
from pathlib import Path
from typing import Final

from mistral_tui.types.errors import InvalidRequest

Colour = tuple[int, int, int]

_MOST_PIXELS: Final = 24_000_000
"""Of a picture that is decoded in the process that draws the screen."""
_BARS: Final = "▁▂▃▄▅▆▇█"
_LONGEST: Final = 50_000_000
"""Bytes of samples that are looked at."""


def picture_cells(path: Path, columns: int, rows: int) -> list[list[Colour]]:
    """Return a picture as lines of colours, two lines to a row of cells, in its own proportions. Blocks.

    Raises:
        InvalidRequest: It cannot be decoded, or what decodes it is not installed.
    """
    try:
        from PIL import Image  # an extra; only for people who look at pictures
    except ImportError:
        raise InvalidRequest(
            "showing pictures needs Pillow; install it with: pip install 'mistral-tui[pictures]'"
        ) from None
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > _MOST_PIXELS:
                raise InvalidRequest(f"{path.name} is too large to be shown here; the model gets it all the same")
            scale = min(columns / width, rows * 2 / height, 1.0)
            size = max(1, round(width * scale)), max(2, round(height * scale / 2) * 2)
            picture.draft("RGB", size)
            small = picture.convert("RGBA").resize(size)
            flat = Image.new("RGBA", size, (0, 0, 0, 255))
            flat.alpha_composite(small)
            pixels = flat.convert("RGB").tobytes()
    except InvalidRequest:
        raise
    except Exception as error:  # Pillow raises whatever a damaged file makes it stumble over
        raise InvalidRequest(f"{path.name} cannot be shown: {type(error).__name__}") from None
    triples = [(pixels[at], pixels[at + 1], pixels[at + 2]) for at in range(0, len(pixels), 3)]
    return [triples[line * size[0] : (line + 1) * size[0]] for line in range(size[1])]


def waveform(path: Path, columns: int) -> str | None:
    """Return how loud a recording is over its length, as bars; `None`: it is of a kind that is not decoded here."""
    try:
        with wave.open(str(path), "rb") as sound:
            if sound.getsampwidth() != 2 or sound.getnframes() * sound.getnchannels() * 2 > _LONGEST:
                return None
            samples = array.array("h", sound.readframes(sound.getnframes()))
    except (wave.Error, OSError, EOFError):
        return None
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return None
    step = max(1, len(samples) // columns)
    peaks = [max(map(abs, samples[at : at + step])) for at in range(0, step * columns, step) if at < len(samples)]
    loudest = max(*peaks, 1)
    return "".join(_BARS[round(peak / loudest * (len(_BARS) - 1))] for peak in peaks)
