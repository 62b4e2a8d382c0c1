"""Reads JSON files that may be large, damaged or hostile; every complaint names file and place."""

import contextlib
import mmap
import re
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mistral_tui.types.errors import MistralTuiError

T = TypeVar("T")

LARGEST_IMPORT = 2 * 1024**3
"""Most bytes of a file; it is mapped, not read as a whole."""
LARGEST_LINE = 64 * 1024**2
_BYTE = re.compile(r"\(byte (\d+)\)")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape in JSON; the group: half of a surrogate pair, which other programs leave where they cut an emoji."""


class ImportFailed(MistralTuiError):
    """A file, or a session in it, cannot be imported; names the place."""


def mapped(path: Path) -> memoryview:
    """Return the content of a file without reading it into memory.

    Raises:
        ImportFailed: It cannot be read, is empty or too large.
    """
    try:
        if not path.is_file():
            raise ImportFailed(f"{path} is {'no file' if path.exists() else 'not there'}; name an exported file")
        size = path.stat().st_size
        if size == 0:
            raise ImportFailed(f"{path} is empty; export it again")
        if size > LARGEST_IMPORT:
            raise ImportFailed(f"{path} is larger than {LARGEST_IMPORT // 1024**3} GB; export fewer chats at a time")
        with path.open("rb") as file:
            # Never closed: it ends with the last piece of it that someone holds, such as a traceback.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ImportFailed(f"{path} cannot be read: {reason}") from error
    return memoryview(content)


def decode(content: bytes | memoryview | msgspec.Raw, kind: type[T], path: Path, place: str = "") -> T:
    """Read JSON as `kind`.

    Args:
        content: The JSON.
        kind: What it must be.
        path: The file, for complaints.
        place: Where in the file, for complaints.

    Raises:
        ImportFailed: It is something else, or damaged.
    """
    where = f"{path}, {place}" if place else str(path)
    try:
        try:
            return msgspec.json.decode(content, type=kind, strict=False)
        except msgspec.DecodeError as error:
            if "hex escape" not in str(error) and "surrogate" not in str(error):
                raise
            return msgspec.json.decode(_ESCAPE.sub(_whole, memoryview(content)), type=kind, strict=False)
    except RecursionError as error:
        raise ImportFailed(f"{where}: it is nested too deeply; nothing of it is imported") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = str(error)
        if not place and (byte := _BYTE.search(reason)):
            line = bytes(memoryview(content)[: int(byte[1])]).count(b"\n") + 1
            where = f"{path}, line {line}"
        raise ImportFailed(f"{where}: {reason}; nothing of it is imported") from error


def _whole(escape: re.Match[bytes]) -> bytes:
    return escape[0] if escape[1] is None else rb"\ufffd"


def seconds(value: Any) -> float | None:
    """Return a time, written as seconds since the epoch or as in ISO 8601; `None`: it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 <= value < 1e11 else None
    if isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return datetime.fromisoformat(value).timestamp()
    return None
