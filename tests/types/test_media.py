import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.media import Picture, inspect
from mistral_tui.types.sounds import Sound
from tests.stubs.media import bmp, png, stripes, wav

pytestmark = pytest.mark.core

SOUND_FILES = [png(stripes), bmp(stripes), wav(440, seconds=0.1)]

WEBP_HEAD = b"RIFF\0\0\0\0WEBP"
FLAC = b"fLaC\0\0\0\x22" + bytes(10) + ((44_100 << 44) | 88_200).to_bytes(8, "big") + bytes(16)
MP3_FRAME = b"\xff\xfb\x94\x44" + bytes(380)
"""1,152 samples, 48,000 a second, 128 kilobits a second."""
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + bytes(9) + b"\xff\xc2\x00\x11\x08\x01\xe0\x02\x80" + bytes(12)


def _short(value: object) -> str:
    return type(value).__name__ if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (png(stripes, 20, 10), Picture("image/png", 20, 10)),
        (bmp(stripes, 20, 10), Picture("image/bmp", 20, 10)),
        (b"GIF89a\x14\0\x0a\0" + bytes(20), Picture("image/gif", 20, 10)),
        (JPEG, Picture("image/jpeg", 640, 480)),
        (WEBP_HEAD + b"VP8X" + bytes(8) + b"\x13\0\0\x09\0\0", Picture("image/webp", 20, 10)),
        (
            WEBP_HEAD + b"VP8L" + bytes(4) + b"\x2f" + (19 | 9 << 14).to_bytes(4, "little"),
            Picture("image/webp", 20, 10),
        ),
        (WEBP_HEAD + b"VP8 " + bytes(10) + b"\x14\0\x0a\0", Picture("image/webp", 20, 10)),
        (wav(440, seconds=0.5), Sound("audio/wav", 0.5)),
        (FLAC, Sound("audio/flac", 2.0)),
        (b"ID3\4" + bytes(20) + MP3_FRAME * 10, Sound("audio/mpeg", 0.24)),
        (MP3_FRAME * 25, Sound("audio/mpeg", 0.6)),
    ],
    ids=_short,
)
def test_kind_and_size_are_read_from_the_first_bytes(data: bytes, found: Picture | Sound) -> None:
    assert inspect(data, "file") == found


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GIF89a\0\0\0\0" + bytes(20), "no pixels"),
        (b"GIF89a\xff\xff\xff\xff" + bytes(20), "65,535 by 65,535 pixels"),
        (JPEG + b"\xff\xda" * 100, "more than 64 passes"),
        (b"ID3\4" + bytes(17 << 20), "larger than 16 MB"),
        (bytes(65 << 20), "larger than 64 MB"),
        (b"fLaC\0\0\0\x22" + bytes(10) + (44_100 << 44).to_bytes(8, "big"), "does not say how long"),
        (MP3_FRAME * 80_000, "larger than 16 MB"),
        ((b"\xff\xe3\x18\xc4" + bytes(68)) * 30_000, "longer than 30 minutes"),
        (MP3_FRAME[:36] + b"Xing\0\0\0\1\x7f\0\0\0" + bytes(336) + MP3_FRAME * 3, "claims more sound"),
        (wav(440)[:-100], "claims more sound"),
        (wav(440)[:40] + b"\xff\xff\xff\xff" + wav(440)[44:], "claims more sound"),
        (wav(440)[:20] + b"\x11\0" + wav(440)[22:], "compressed WAV"),
        (b"%PDF-1.7", "no picture"),
    ],
    ids=_short,
)
def test_what_would_take_too_much_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        inspect(data, "file")


@given(st.sampled_from([*SOUND_FILES, JPEG, FLAC]), st.integers(0, 2**32), st.floats(0, 1))
def test_damage_is_refused_or_does_not_matter(whole: bytes, seed: int, length: float) -> None:
    chance = random.Random(seed)
    data = bytearray(whole[: int(length * len(whole))])
    for _ in range(chance.randrange(6)):
        if data:
            data[chance.randrange(min(80, len(data)))] = chance.randrange(256)
    try:
        inspect(bytes(data), "file")
    except InvalidRequest as error:
        assert str(error).startswith("file")
