"""Pictures and recordings become few pixels and bars, in a process that only harms itself."""

import io
import os
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from mistral_tui.chat.previews.preview import Waveform, picture_pixels, waveform
from mistral_tui.types.errors import InvalidRequest
from tests.stubs.media import plain, png, png_of, wav, wav_of

pytestmark = pytest.mark.core

LOUD_AT_THE_END = bytes(16_000) + b"\xff\x7f" * 8_000


def sound_of(kind: str, subtype: str | None = None) -> bytes:
    """Return a recording of a second that is silent at first, in a kind that is not simply samples."""
    import soundfile  # type: ignore[import-untyped]  # it comes without types

    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 16_000, 1, subtype, format=kind) as sound:
        sound.buffer_write(array("h", [0] * 8_000 + ([20_000] * 16 + [-20_000] * 16) * 250).tobytes(), dtype="int16")
    return file.getvalue()


def test_a_picture_is_as_large_as_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png(plain((200, 10, 10)), 200, 100))
    pixels = picture_pixels(tmp_path / "red.png", "red.png", 40, 20)
    assert (pixels.width, pixels.height) == (40, 20)
    assert pixels.rgb == bytes((200, 10, 10)) * 800


def test_of_many_frames_the_first_is_shown(tmp_path: Path) -> None:
    from PIL import Image

    frames = [Image.new("P", (8, 8), index % 250) for index in range(10_000)]
    frames[0].save(tmp_path / "many.gif", save_all=True, append_images=frames[1:])
    assert picture_pixels(tmp_path / "many.gif", "many.gif", 4, 4).rgb == bytes(48)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no", "cannot be shown"),
        (png_of(b"", 50_000, 50_000), "too large"),
        (png(plain((1, 2, 3)))[:-30], "cannot be shown"),
        (b"", "cannot be shown"),
    ],
)
def test_a_picture_that_cannot_be_shown_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "kept.png").write_bytes(content)
    with pytest.raises(InvalidRequest, match=rf"bad\.png .*{reason}"):
        picture_pixels(tmp_path / "kept.png", "bad.png", 40, 30)


@pytest.mark.parametrize("make", [Path.exists, Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(InvalidRequest, match=r"cat\.png (is gone|cannot be shown)"):
        picture_pixels(path, "cat.png", 4, 4)


def test_a_plain_recording_is_levels(tmp_path: Path) -> None:
    (tmp_path / "tone.wav").write_bytes(wav(440, seconds=1))
    (tmp_path / "half.wav").write_bytes(wav_of(LOUD_AT_THE_END, 16_000))
    assert waveform(tmp_path / "tone.wav", "tone.wav", 10).levels == (1.0,) * 10
    assert waveform(tmp_path / "half.wav", "half.wav", 4) == Waveform((0, 0, 1, 1), 1)


@pytest.mark.parametrize(
    ("kind", "subtype"), [("FLAC", None), ("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("WAV", "FLOAT")]
)
def test_a_compressed_recording_is_levels(tmp_path: Path, kind: str, subtype: str | None) -> None:
    (tmp_path / "sound").write_bytes(sound_of(kind, subtype))
    sound = waveform(tmp_path / "sound", "sound", 10)
    assert sound.seconds == pytest.approx(1, abs=0.1)
    assert max(sound.levels[:4]) < 0.1
    assert min(sound.levels[6:-1]) > 0.5


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF",
        b"",
        b"OggS" + bytes(100),
        b"fLaC\0\0\0\x22" + bytes(10) + (44_100 << 44 | (1 << 36) - 1).to_bytes(8, "big") + bytes(30),
        sound_of("FLAC")[:60],
    ],
    ids=["beginning", "empty", "no sound", "a claim of 18 days", "cut off"],
)
def test_a_recording_that_cannot_be_shown_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(InvalidRequest, match="bad cannot be shown"):
        waveform(tmp_path / "bad", "bad", 4)


def test_what_is_shown_is_what_is_there_now(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(png(plain((0, 0, 0)), 4, 4))
    assert picture_pixels(picture, "a.png", 1, 2).rgb == bytes(6)
    picture.write_bytes(png(plain((255, 255, 255)), 40, 40))
    assert picture_pixels(picture, "a.png", 1, 2).rgb == b"\xff" * 6
