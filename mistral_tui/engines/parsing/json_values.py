"""JSON as it arrives: values are stepped over, and passed on, before they are complete.

Models write almost JSON: single quotes, line feeds in strings, a bracket too few. Here a value ends where its brackets
are closed, or where something stands that no JSON has outside of strings.
"""

import json
import re
from collections.abc import Callable
from typing import Final

from mistral_tui.engines.parsing.reader import Reader, Wait

_STRUCTURE: Final = re.compile(r"[\w\s:,.+-]*")
_IN_STRING: Final = {quote: re.compile(rf"[^{quote}\\]*") for quote in "\"'"}
_SCALAR: Final = re.compile(r"[\w.+-]*")


def value(reader: Reader, passed: Callable[[], None] | None = None) -> Wait[bool]:
    """Step over one value and return whether it is complete.

    Args:
        reader: At the first character of the value.
        passed: Called often, to pass on what is pending; `None` leaves it pending.
    """
    depth, quote, escaped = 0, "", False
    is_scalar = False
    while True:
        rest = reader.arrived()
        place, done = 0, False
        while place < len(rest) and not done:
            character = rest[place]
            if escaped:
                escaped = False
            elif quote:
                place = _end(_IN_STRING[quote], rest, place)
                if place == len(rest):
                    break
                escaped = rest[place] == "\\"
                if not escaped:
                    quote = ""
                    done = depth == 0
            elif is_scalar or character not in "\"'{}[]" or (character in "}]" and not depth):
                end = _end(_STRUCTURE if depth else _SCALAR, rest, place)
                if end < len(rest) and (end == place or not depth):
                    # Something that no JSON has here, or the end of a number or a word.
                    reader.skip(end)
                    _pass(passed)
                    return not depth and (is_scalar or end > place)
                is_scalar = not depth
                place = end
                continue
            elif character in "\"'":
                quote = character
            elif character in "{[":
                depth += 1
            else:
                depth -= 1
                done = depth == 0
            place += 1
        reader.skip(place)
        _pass(passed)
        if done:
            return True
        if reader.ended:
            return False
        yield


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    assert found is not None
    return found.end()


def _pass(passed: Callable[[], None] | None) -> None:
    if passed is not None:
        passed()


def text(reader: Reader) -> Wait[str | None]:
    """Step over a string and return what it says; `None` if there is none, or it is not complete."""
    quote = yield from reader.peek()
    if not quote or quote not in "\"'":
        return None
    before = len(reader.pending)
    if not (yield from value(reader)):
        return None
    return decoded(reader.pending[before:])


def decoded(written: str) -> str:
    """Return what a string with its quotes says; one that is not quite JSON is taken as it is."""
    try:
        said = json.loads(written if written[0] == '"' else json.dumps(written[1:-1]), strict=False)
    except ValueError:
        return written[1:-1]
    return str(said)
