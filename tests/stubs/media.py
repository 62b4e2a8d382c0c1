"""Pictures and recordings made to order, as the bytes of their files."""

import math
import struct
import zlib
from collections.abc import Callable

Colour = tuple[int, int, int]


def plain(colour: Colour) -> Callable[[int, int], Colour]:
    """Return a picture of one colour."""
    return lambda x, y: colour


def stripes(x: int, y: int) -> Colour:
    """Return the colour of a pixel in a striped picture."""
    return (255, 255, 255) if x // 4 % 2 else (0, 0, 0)


def png(colour: Callable[[int, int], Colour], width: int = 64, height: int = 48) -> bytes:
    """Return a PNG file."""
    rows = b"".join(b"\0" + bytes(value for x in range(width) for value in colour(x, y)) for y in range(height))
    return png_of(rows, width, height)


def png_of(pixels: bytes, width: int, height: int) -> bytes:
    """Return a PNG file that says it has this size, whatever its pixels are."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def bmp(colour: Callable[[int, int], Colour], width: int = 64, height: int = 48) -> bytes:
    """Return a BMP file."""
    rows = b"".join(
        bytes(value for x in range(width) for value in reversed(colour(x, y))) + bytes(-3 * width % 4)
        for y in reversed(range(height))
    )
    head = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + rows


def wav(frequency: float, seconds: float = 1.0, rate: int = 16_000) -> bytes:
    """Return a WAV file with a tone."""
    count = int(seconds * rate)
    samples = (int(8_000 * math.sin(2 * math.pi * frequency * index / rate)) for index in range(count))
    return wav_of(struct.pack(f"<{count}h", *samples), rate)


def wav_of(data: bytes, rate: int) -> bytes:
    """Return a WAV file that says it has this many samples a second."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body
