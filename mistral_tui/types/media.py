"""What the first bytes of a file say about the picture or the sound in it.

Only as much as is needed to name it and to refuse what would take all memory: nothing is decoded here.
"""

import struct
import zlib
from typing import Final

import msgspec

from mistral_tui.types import sounds
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.sounds import Sound

LARGEST_FILE: Final = 64 * 1024 * 1024
"""Most bytes of a picture or a recording."""
MOST_PIXELS: Final = 64_000_000
LONGEST_SIDE: Final = 32_768

MEDIA_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "webp": "image/webp",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}
"""By the ending of a file's name: what may be given along with a prompt besides text."""

_MOST_SCANS: Final = 64
"""Of a progressive JPEG; each costs as much time as a whole picture."""


class Picture(msgspec.Struct, frozen=True):
    """A picture of this many pixels."""

    media_type: str
    width: int
    height: int


def media_type_of(name: str) -> str | None:
    """Return what a file of this name should hold, if that is a picture or a recording."""
    return MEDIA_TYPES.get(name.rpartition(".")[2].lower())


def seems_media(data: bytes) -> bool:
    """Return whether a file begins like a picture or a recording, and like no text."""
    return data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF89a", b"fLaC", b"OggS")) or (
        data.startswith(b"RIFF") and data[8:12] in (b"WAVE", b"WEBP")
    )


def inspect(data: bytes, name: str) -> Picture | Sound:
    """Return what is in a file, by its content and not by its name.

    Args:
        data: The whole file.
        name: What errors call it.

    Raises:
        InvalidRequest: It is no picture or recording of a known kind, damaged, or too large to be decoded.
    """
    if not data:
        raise InvalidRequest(f"{name} is empty; give a picture or a recording")
    if len(data) > LARGEST_FILE:
        raise InvalidRequest(f"{name} is larger than {LARGEST_FILE >> 20} MB; make it smaller")
    try:
        found = _inspect(data, name)
    except (struct.error, IndexError, ZeroDivisionError):
        raise InvalidRequest(f"{name} is damaged: it ends too early; give another file") from None
    if isinstance(found, Picture):
        _check_size(found, name)
        if found.media_type == "image/png":
            _check_png_data(data, name)
    return found


def _inspect(data: bytes, name: str) -> Picture | Sound:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Picture("image/png", *struct.unpack_from(">II", data, 16))
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data, name)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Picture("image/gif", *struct.unpack_from("<HH", data, 6))
    if data.startswith(b"BM"):
        width, height = struct.unpack_from("<ii", data, 18)
        return Picture("image/bmp", width, abs(height))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if sound := sounds.inspect(data, name):
        return sound
    raise InvalidRequest(f"{name} is no picture (PNG, JPEG, GIF, BMP, WebP) and no recording (WAV, MP3, FLAC)")


def _check_size(picture: Picture, name: str) -> None:
    width, height = picture.width, picture.height
    if width <= 0 or height <= 0:
        raise InvalidRequest(f"{name} is damaged: it says that it has no pixels; give another file")
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        millions = MOST_PIXELS // 1_000_000
        raise InvalidRequest(
            f"{name} is {width:,} by {height:,} pixels, and at most {millions} million are read; make it smaller"
        )


def _jpeg(data: bytes, name: str) -> Picture:
    if data.count(b"\xff\xda") > _MOST_SCANS:
        raise InvalidRequest(f"{name} is a JPEG of more than {_MOST_SCANS} passes; save it in another way")
    place = 2
    while True:
        while data[place] != 0xFF:
            place += 1
        while data[place] == 0xFF:
            place += 1
        marker = data[place]
        length = struct.unpack_from(">H", data, place + 1)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, place + 4)
            return Picture("image/jpeg", width, height)
        place += 1 + length


def _webp(data: bytes) -> Picture:
    kind = data[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Picture("image/webp", width, height)


def _check_png_data(data: bytes, name: str) -> None:
    """Inflate the pixels once, in pieces, and count them: a decoder would take what a file of lies inflates to."""
    width, height, depth, colours = struct.unpack_from(">IIBB", data, 16)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colours, 4)
    expected = height * (2 + (width * channels * depth + 7) // 8) * 2 + 65536
    inflater, place, total = zlib.decompressobj(), 8, 0
    try:
        while place + 8 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, place)
            if kind == b"IEND":
                return
            if kind == b"IDAT":
                rest = data[place + 8 : place + 8 + length]
                while rest:
                    total += len(inflater.decompress(rest, 1 << 20))
                    rest = inflater.unconsumed_tail
                    if total > expected:
                        raise InvalidRequest(f"{name} is damaged: it holds more than its pixels; give another file")
            place += 12 + length
    except zlib.error:
        raise InvalidRequest(f"{name} is damaged: its pixels cannot be read; give another file") from None
    raise InvalidRequest(f"{name} is damaged: it ends too early; give another file")
