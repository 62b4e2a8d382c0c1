"""Durations and sizes as people write them in settings and flags, and as they are told."""

import math
import re
from typing import Final

from mistral_tui.types.errors import InvalidRequest

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES: Final = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def duration(text: str | float) -> float:
    """Return the seconds of `10m`, `1h`, `90s`, `90` or `forever`; a number below 0 means for ever, too.

    Raises:
        InvalidRequest: It is none of these.
    """
    words = str(text).strip().lower()
    if words == "forever":
        return math.inf
    match = re.fullmatch(r"(-?\d{1,9}(?:\.\d{1,9})?)\s*([smhd]?)", words)
    if match is None:
        raise InvalidRequest(f"{text!r} is no duration; write 10m, 1h, 90s, 0 or forever")
    seconds = float(match[1]) * _SECONDS[match[2]]
    return seconds if seconds >= 0 else math.inf


def size(text: str | float) -> int:
    """Return the bytes of `8GB`, `500 MB`, `1.5GiB` or `8`; a number without a unit means GB.

    Raises:
        InvalidRequest: It is none of these.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgt]i?b|)", str(text).strip().lower())
    if match is None:
        raise InvalidRequest(f"{text!r} is no size; write 8GB or 500MB")
    return int(float(match[1]) * _BYTES[match[2] or "gb"])


def duration_words(seconds: float) -> str:
    """Return a duration for people: `10 minutes`, `1 hour`, `45 seconds`."""
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return _counted(round(seconds / length), name)
    return _counted(round(seconds), "second")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
