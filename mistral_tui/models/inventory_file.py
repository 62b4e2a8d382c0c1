"""Reading one inventory file: an array of objects, each with the line it stands on.

Knows the format and nothing of models on disk; `inventory.py` makes entries of it.
"""

import bisect
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.text import printable_line

KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "path": str,
    "format": str,
    "size_gb": (int, float),
    "notes": str,
    "kind": str,
    "source": str,
    "sha256": str,
    "mmproj": str,
    "chat_template": str,
    "adapters": list,
}
"""The keys that mean something, and the kinds of their values; entries may have others."""
_NULLABLE = {"source", "sha256", "mmproj", "chat_template"}
_PATHS = ("path", "mmproj", "chat_template", "adapters")
_WORDS = {str: "text", (int, float): "a number", list: "a list"}
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Raw:
    """One object of the file, its values checked for their kinds."""

    values: dict[str, Any]
    origin: str
    """File and line, for messages."""
    folders: dict[str, Path]
    """Against which folder each key that names a path is resolved."""

    def over(self, base: "Raw") -> "Raw":
        """Return `base` with what this entry says instead."""
        return Raw({**base.values, **self.values}, self.origin, {**base.folders, **self.folders})


def read(path: Path) -> tuple[list[Raw], list[str]]:
    """Read an inventory file, with or without a byte-order mark.

    Returns:
        The entries, and a line about each one that had to be left out.

    Raises:
        ConfigError: The file cannot be read, or is no JSON array; names file, line and what is wrong.
    """
    text = read_text(path)
    lines = [match.start() for match in re.finditer("\n", text)]
    entries, notices = [], []
    for values, offset in _items(path, text, lines):
        line = bisect.bisect_left(lines, offset) + 1
        problem = _problem(values)
        if problem is None:
            folder = path.absolute().parent
            folders = {key: folder for key in _PATHS if key in values}
            entries.append(Raw(values, f"{path}, line {line}", folders))
        else:
            key, reason = problem
            line = _line_of_key(text, lines, offset, key)
            notices.append(printable_line(f"{path}, line {line}: {reason}; the entry is left out"))
    return entries, notices


def _items(path: Path, text: str, lines: list[int]) -> list[tuple[Any, int]]:
    """Return the elements of the array with their offsets; `json.loads` would not tell where they stand."""

    def fail(reason: str, offset: int) -> ConfigError:
        line = bisect.bisect_left(lines, offset) + 1
        return ConfigError(f"{path}, line {line}: not a valid inventory: {reason}")

    def skip(offset: int) -> int:
        match = _SPACE.match(text, offset)
        return match.end() if match else offset

    offset = skip(0)
    if not text.startswith("[", offset):
        raise fail("expected [ and a list of models", offset)
    found: list[tuple[Any, int]] = []
    offset = skip(offset + 1)
    while not (not found and text.startswith("]", offset)):
        try:
            value, end = _DECODER.raw_decode(text, offset)
        except json.JSONDecodeError as error:
            raise fail(error.msg[:1].lower() + error.msg[1:], error.pos) from None
        except (ValueError, RecursionError):  # a number of thousands of digits; nested without end
            raise fail("a value is too long or nested too deeply", offset) from None
        found.append((value, offset))
        offset = skip(end)
        if text.startswith("]", offset):
            break
        if not text.startswith(",", offset):
            raise fail("expected , or ] after an entry", offset)
        offset = skip(offset + 1)
    if (offset := skip(offset + 1)) < len(text):
        raise fail("text after the closing ]", offset)
    return found


def _problem(values: Any) -> tuple[str, str] | None:
    """Return the key that is wrong and why, or `None`."""
    if not isinstance(values, dict):
        return "", "expected an object in { }"
    if "name" not in values:
        return "name", "an entry needs a name"
    who = f"{values['name']!r}" if isinstance(values["name"], str) else "an entry"
    for key, kinds in KEYS.items():
        if key not in values or (values[key] is None and key in _NULLABLE):
            continue
        value = values[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            return key, f"{key} of {who} must be {_WORDS[kinds]}"
    if not printable_line(values["name"]):
        return "name", "an entry needs a name"
    if "size_gb" in values and not (math.isfinite(values["size_gb"]) and 0 <= values["size_gb"] < 1e6):
        return "size_gb", f"size_gb of {who} is not a sensible size"
    if values.get("format", "gguf") not in ("gguf", "safetensors"):
        return "format", f"format of {who} is {values['format']!r}; it must be gguf or safetensors"
    if any(not isinstance(adapter, str) for adapter in values.get("adapters", ())):
        return "adapters", f"adapters of {who} must be a list of paths"
    if values.get("path") == "":
        return "path", f"path of {who} is empty"
    return None


def _line_of_key(text: str, lines: list[int], offset: int, key: str) -> int:
    position = text.find(f'"{key}"', offset) if key else offset
    return bisect.bisect_left(lines, position if position >= 0 else offset) + 1
