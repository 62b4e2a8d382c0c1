"""What a terminal shows of a picture or a recording; they are decoded by `decoding`, in a process of its own."""

import json
import os
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.chat.apart import run_apart
from mistral_tui.types.errors import InvalidRequest

TIME_LIMIT: Final = 10.0
"""Seconds that decoding may take."""
_REMEMBERED: Final = 64
"""Pictures, and as many recordings: whoever scrolls back waits no second time."""


class Pixels(msgspec.Struct, frozen=True):
    """A small picture."""

    width: int
    height: int
    rgb: bytes
    """Three bytes a pixel, line by line."""


class Waveform(msgspec.Struct, frozen=True):
    """How loud a recording is over its length."""

    levels: tuple[float, ...]
    """From 0 to 1, the loudest being 1."""
    seconds: float


@cache
def pictures_can_be_decoded() -> bool:
    """Return whether what decodes pictures is installed; it is an extra."""
    return find_spec("PIL") is not None


def picture_pixels(path: Path, name: str, width: int, height: int) -> Pixels:
    """Return a picture in this size, whatever its own is. Blocks.

    Raises:
        InvalidRequest: It cannot be decoded, is gone, or what decodes it is not installed.
    """
    return _pixels(path, name, width, height, _version(path, name))


def waveform(path: Path, name: str, columns: int) -> Waveform:
    """Return a recording as at most this many levels. Blocks.

    Raises:
        InvalidRequest: It cannot be decoded, is gone, or what decodes it is not installed.
    """
    return _waveform(path, name, columns, _version(path, name))


def _version(path: Path, name: str) -> tuple[int, int]:
    """Return what is another when the file is another."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        raise InvalidRequest(f"{name} is gone; it was {path}") from None
    return found.st_mtime_ns, found.st_size


@lru_cache(_REMEMBERED)
def _pixels(path: Path, name: str, width: int, height: int, version: tuple[int, int]) -> Pixels:
    rgb = _decoded("picture", path, name, str(width), str(height))
    if len(rgb) != width * height * 3:
        raise InvalidRequest(f"{name} cannot be shown: it is damaged")
    return Pixels(width, height, rgb)


@lru_cache(_REMEMBERED)
def _waveform(path: Path, name: str, columns: int, version: tuple[int, int]) -> Waveform:
    return msgspec.json.decode(_decoded("recording", path, name, str(columns)), type=Waveform)


def _decoded(kind: str, path: Path, name: str, *size: str) -> bytes:
    arguments = (kind, os.fspath(path), name, *size)
    problem, _, content = run_apart("mistral_tui.chat.previews.decoding", arguments, name, TIME_LIMIT).partition(b"\n")
    try:
        error = json.loads(problem)["error"]
    except (ValueError, KeyError):
        raise InvalidRequest(f"{name} cannot be shown: it is damaged") from None
    if error:
        raise InvalidRequest(error)
    return content
