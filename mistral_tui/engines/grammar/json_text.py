"""JSON that people write, with errors that point at the place."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from mistral_tui.types.errors import InvalidRequest

DEEPEST: Final = 100
"""How many levels of braces and brackets: llguidance reads 128, with what it adds itself."""

Path = tuple[str | int, ...]


def parsed(text: str, what: str) -> Any:
    """Return JSON text as objects.

    Args:
        text: The text.
        what: What to call it in an error.

    Raises:
        InvalidRequest: It is no JSON; says where. Or it is nested too deeply.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_number)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"{what} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidRequest(f"{what} is nested too deeply; at most {DEEPEST} levels are taken") from None
    except ValueError as error:
        raise InvalidRequest(f"{what} is no JSON: {error}") from None
    for path in _paths(document):
        if len(path) > DEEPEST:
            place = in_words(path[:8])
            raise InvalidRequest(f"{what} is nested too deeply below {place}; at most {DEEPEST} levels are taken")
    return document


def in_words(path: Path) -> str:
    """Return a place in a document as people write it: `$.properties.name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "$" + "".join(steps)


def _paths(document: Any) -> Iterator[Path]:
    waiting: list[tuple[Path, Any]] = [((), document)]
    while waiting:
        path, part = waiting.pop()
        yield path
        if isinstance(part, dict):
            waiting += (((*path, key), value) for key, value in part.items())
        elif isinstance(part, list):
            waiting += (((*path, index), value) for index, value in enumerate(part))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number
