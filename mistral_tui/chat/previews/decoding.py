"""The program that decodes pictures and recordings for previews: a file that is made to harm ends only this process.

Called with `picture PATH NAME WIDTH HEIGHT` or `recording PATH NAME COLUMNS` it writes a line with a JSON object, whose
`error` is empty if all went well; then the pixels, three bytes each, or a JSON object as `Waveform` is.
"""

import array
import json
import os
import stat
import sys
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from mistral_tui.chat.apart import limit_resources
from mistral_tui.chat.previews.preview import TIME_LIMIT
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.media import LARGEST_FILE, LONGEST_SIDE, MOST_PIXELS
from mistral_tui.types.sounds import LONGEST_SOUND

_GROUND: Final = (200, 200, 200, 255)
"""Under what is transparent: black ink and white ink can both be seen on it."""
_MOST_FRAMES: Final = 65_536
"""Of a level, that are looked at; what is longer is known by its beginning."""


def picture(file: BinaryIO, name: str, width: int, height: int) -> bytes:
    """Return the pixels of a picture, of its first frame, in this size."""
    try:
        from PIL import Image  # an extra; only for people who look at pictures
    except ImportError:
        raise InvalidRequest(
            "showing pictures needs Pillow; install it with: pip install 'mistral-tui[pictures]'"
        ) from None
    Image.MAX_IMAGE_PIXELS = None  # it is looked at here, and warnings would be written
    try:
        with Image.open(file) as found:
            if found.width * found.height > MOST_PIXELS or max(found.size) > LONGEST_SIDE:
                raise InvalidRequest(f"{name} is {found.width:,} by {found.height:,} pixels: too large to be shown")
            found.draft("RGB", (width, height))
            small = found.convert("RGBA").resize((width, height), reducing_gap=2.0)
            ground = Image.new("RGBA", small.size, _GROUND)
            ground.alpha_composite(small)
            return ground.convert("RGB").tobytes()
    except (InvalidRequest, MemoryError):
        raise
    except Exception as error:  # Pillow raises whatever a damaged file makes it stumble over
        raise InvalidRequest(f"{name} cannot be shown: {type(error).__name__}") from None


class _Recording(Protocol):
    frames: int
    """As its header claims."""
    rate: int

    def read(self, at: int, count: int) -> Sequence[int]:
        """Return the samples of these frames, of all channels, as signed 16-bit numbers; fewer at the end."""


class _PlainWav:
    """A WAV of 16-bit samples, which needs nothing that is not there."""

    def __init__(self, file: BinaryIO) -> None:
        self._sound = wave.open(file, "rb")  # noqa: SIM115  # it ends with the process
        if self._sound.getsampwidth() != 2:
            raise wave.Error("not of 16 bits")
        self.frames, self.rate = self._sound.getnframes(), self._sound.getframerate()

    def read(self, at: int, count: int) -> Sequence[int]:
        self._sound.setpos(at)
        content = self._sound.readframes(count)
        samples = array.array("h", content[: len(content) & ~1])
        if sys.byteorder == "big":
            samples.byteswap()
        return samples


class _SoundFile:
    """What libsndfile reads: MP3, FLAC, Ogg, and every kind of WAV."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        try:
            # An extra; only for people who look at recordings. It comes without types.
            import soundfile  # type: ignore[import-untyped]
        except ImportError:
            raise InvalidRequest(
                f"{name} is no plain WAV, and showing it needs soundfile; install it with: "
                "pip install 'mistral-tui[sounds]'"
            ) from None
        except OSError as error:  # it brings libsndfile along, but not for every system
            raise InvalidRequest(f"{name} cannot be shown: libsndfile is missing: {error}") from None
        self._sound = soundfile.SoundFile(file)
        self.frames, self.rate = self._sound.frames, self._sound.samplerate

    def read(self, at: int, count: int) -> Sequence[int]:
        self._sound.seek(at)
        return array.array("h", bytes(self._sound.buffer_read(count, dtype="int16")))


def recording(file: BinaryIO, name: str, columns: int) -> bytes:
    """Return how loud a recording is, as JSON."""
    try:
        sound = _opened(file, name)
        if not 0 < sound.frames <= LONGEST_SOUND * sound.rate:
            raise InvalidRequest(f"{name} cannot be shown: it claims {sound.frames:,} samples")
        peaks = list(_peaks(sound, columns))
    except (InvalidRequest, MemoryError):
        raise
    except Exception as error:  # the errors of libsndfile and of wave share no base
        raise InvalidRequest(f"{name} cannot be shown: {type(error).__name__}: {error}") from None
    loudest = max(*peaks, 1)
    levels = [round(peak / loudest, 3) for peak in peaks]
    return json.dumps({"levels": levels, "seconds": sound.frames / sound.rate}).encode()


def _opened(file: BinaryIO, name: str) -> _Recording:
    try:
        return _PlainWav(file)
    except (wave.Error, EOFError):
        file.seek(0)
        return _SoundFile(file, name)


def _peaks(sound: _Recording, columns: int) -> Iterator[int]:
    columns = min(columns, sound.frames)
    for column in range(columns):
        begin, end = sound.frames * column // columns, sound.frames * (column + 1) // columns
        samples = sound.read(begin, min(end - begin, _MOST_FRAMES))
        if not samples and column == 0:
            raise EOFError("it has no samples")
        yield max(max(samples), -min(samples)) if samples else 0


def _open(path: Path, name: str) -> BinaryIO:
    # Neither waiting for a pipe nor reading a device: whoever wrote the path may be anybody.
    file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise InvalidRequest(f"{name} cannot be shown: {path} is no file")
    if found.st_size > LARGEST_FILE:
        raise InvalidRequest(f"{name} cannot be shown: it is larger than {LARGEST_FILE >> 20} MB")
    return file


def _answer(kind: str, path: str, name: str, *size: str) -> bytes:
    try:
        with _open(Path(path), name) as file:
            numbers = list(map(int, size))
            content = picture(file, name, *numbers) if kind == "picture" else recording(file, name, *numbers)
    except MistralTuiError as error:
        return json.dumps({"error": str(error)}).encode()
    except MemoryError:
        return json.dumps({"error": f"{name} cannot be shown: it needs too much memory"}).encode()
    except (OSError, ValueError) as error:
        return json.dumps({"error": f"{name} cannot be shown: {error}"}).encode()
    return b'{"error": ""}\n' + content


if __name__ == "__main__":
    limit_resources(TIME_LIMIT)
    sys.stdout.buffer.write(_answer(*sys.argv[1:]))
