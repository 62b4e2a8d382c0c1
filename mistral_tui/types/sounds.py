"""What a recording says about its length, checked against what is in the file.

A decoder makes room for as many samples as a file claims; one that lies would take all memory.
"""

import struct
from typing import Final

import msgspec

from mistral_tui.types.errors import InvalidRequest

LONGEST_SOUND: Final = 30 * 60
"""Seconds."""
LARGEST_MP3: Final = 16 * 1024 * 1024
"""Bytes of an MP3 file: what a decoder finds in it may be longer than what is found here."""

_PLAIN_KINDS: Final = (1, 3, 6, 7, 0xFFFE)
"""Of WAV: integers, floats, A-law, mu-law, and the one that says it elsewhere."""
_BITRATES: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
"""Kilobits a second of MP3's layer III: of MPEG 1, and of 2 and 2.5."""
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Samples a second, by the number of the MPEG version."""


class Sound(msgspec.Struct, frozen=True):
    """A recording."""

    media_type: str
    seconds: float | None
    """`None` for kinds that cannot be decoded."""


def inspect(data: bytes, name: str) -> Sound | None:
    """Return what is in a file, or `None` if it is no recording.

    Raises:
        InvalidRequest: It is damaged or too long.
        struct.error: It ends too early.
    """
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        sound = Sound("audio/wav", _wav_seconds(data, name))
    elif data.startswith(b"fLaC"):
        sound = Sound("audio/flac", _flac_seconds(data, name))
    elif data.startswith(b"OggS"):
        sound = Sound("audio/ogg", None)
    elif data.startswith(b"ID3") or (data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        sound = Sound("audio/mpeg", _mp3_seconds(data, name))
    else:
        return None
    if sound.seconds is not None and sound.seconds > LONGEST_SOUND:
        raise InvalidRequest(f"{name} is longer than {LONGEST_SOUND // 60} minutes; give a part of it")
    return sound


def _wav_seconds(data: bytes, name: str) -> float:
    place, rate, frame = 12, 0, 0
    while True:
        kind, length = struct.unpack_from("<4sI", data, place)
        place += 8
        if kind == b"fmt ":
            form, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", data, place)
            if form not in _PLAIN_KINDS:
                raise InvalidRequest(f"{name} is a compressed WAV; save it as plain WAV, MP3 or FLAC")
            frame = min(block, channels * bits // 8)
        if kind == b"data":
            break
        place += length + (length & 1)
    _check_rate(rate, name)
    if frame < 1 or length > len(data) - place + frame:
        raise _damaged(name, "it claims more sound than it has")
    return float(length / frame / rate)


def _flac_seconds(data: bytes, name: str) -> float:
    bits = int.from_bytes(data[18:26], "big")
    rate, samples = bits >> 44, bits & (1 << 36) - 1
    _check_rate(rate, name)
    if not samples:
        raise InvalidRequest(f"{name} does not say how long it is; save it in another way")
    return samples / rate


def _mp3_seconds(data: bytes, name: str) -> float:
    """Walk over the frames, which are all that counts, and see that no header claims more of them."""
    if len(data) > LARGEST_MP3:
        raise InvalidRequest(f"{name} is larger than {LARGEST_MP3 >> 20} MB; give a part of it")
    place, frames, seconds, claimed = 0, 0, 0.0, 0
    while (place := data.find(b"\xff", place)) >= 0 and place + 4 <= len(data):
        size, lasts = _mp3_frame(data[place : place + 4])
        if not size:
            place += 1
            continue
        if frames == 0:
            claimed = _claimed_frames(data[place : place + size])
        frames += 1
        seconds += lasts
        place += size
    if claimed > frames + 16:
        raise _damaged(name, "it claims more sound than it has")
    return round(seconds, 3)


def _mp3_frame(header: bytes) -> tuple[int, float]:
    """Return the bytes and the seconds of a frame; 0 if there is none."""
    _, second, third, _ = header
    version, layer, bitrate, rate = second >> 3 & 3, second >> 1 & 3, third >> 4, third >> 2 & 3
    if second & 0xE0 != 0xE0 or version == 1 or layer != 1 or rate == 3 or bitrate in (0, 15):
        return 0, 0
    kilobits = _BITRATES[0 if version == 3 else 1][bitrate]
    samples, hertz = 1152 if version == 3 else 576, _RATES[version][rate]
    return samples // 8 * kilobits * 1000 // hertz + (third >> 1 & 1), samples / hertz


def _claimed_frames(frame: bytes) -> int:
    for mark, offset in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        place = frame.find(mark)
        if place >= 0 and place + offset + 4 <= len(frame):
            return int.from_bytes(frame[place + offset : place + offset + 4], "big")
    return 0


def _check_rate(rate: int, name: str) -> None:
    if not 4_000 <= rate <= 384_000:
        raise _damaged(name, f"it has {rate:,} samples a second")


def _damaged(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is damaged: {why}; give another file")
