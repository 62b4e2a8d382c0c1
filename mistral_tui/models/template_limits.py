"""What a chat template may not do: make much out of little, or ask for something that takes long in one go.

Python code can be interrupted between any two steps, but not within a step. So whatever could take long or much
memory in a single step (comparing, hashing, repeating, formatting) is measured before it is done.
"""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

import jinja2

LARGEST_TEXT: Final = 16 * 2**20
"""Characters of a prompt, or of any other value."""
LARGEST_TOTAL: Final = 2**28
"""Characters of all that one rendering builds."""
_MOST_ITEMS: Final = 1_000_000
_LARGEST_NUMBER: Final = 100_000
_MOST_BITS: Final = 4096
_ITEM: Final = 64
"""What an item of a list counts for; generously, so that walking through a list that is too large is short."""

_FORMATS: Final = 10_000
"""Characters of a format, of which every three may become a thousand."""
_WIDE_FORMAT: Final = re.compile(r"\d{4}|\{[^{}]*\{|%[^a-zA-Z%]*\*")
_SHORT_NUMBER: Final = 1_000
_SLOW: Final = 2**20
"""Characters for what takes a tenth of a microsecond and more for each."""

# What multiplies the length of its first argument by another argument.
_MULTIPLIERS: Final = frozenset({"expandtabs", "format", "indent", "join", "tojson"})
# fmt: off
UNWANTED_FILTERS: Final = (
    "filesizeformat", "forceescape", "pprint", "random", "striptags", "urlize", "wordcount", "wordwrap", "xmlattr",
)
_UNWANTED_METHODS: Final = frozenset(
    {
        "as_integer_ratio", "encode", "format_map", "from_bytes", "fromhex", "hex", "maketrans", "striptags",
        "to_bytes", "translate", "unescape",
    }
)
# Filters that pick from or rearrange lists, and neither compare the items nor write them out as text.
_STRUCTURAL: Final = frozenset(
    {
        "attr", "count", "d", "default", "first", "items", "last", "length", "list", "map", "reject", "rejectattr",
        "reverse", "select", "selectattr",
    }
)
COMPARING_TESTS: Final = (
    "eq", "==", "equalto", "ne", "!=", "lt", "<", "lessthan", "le", "<=", "gt", ">", "greaterthan", "ge", ">=", "in",
)
# fmt: on
_SPLITTING: Final = frozenset({"split", "rsplit", "splitlines", "partition", "rpartition"})


class LimitExceeded(jinja2.TemplateError):
    """The template ran too long or built too much."""


def weigh(value: Any) -> int:
    """Return about how long `value` is when written out as text.

    Raises:
        LimitExceeded: It is longer than any prompt could be. A list that holds another one many times counts it
            as often, and no further than to the limit.
    """
    if isinstance(value, str):
        total, waiting = len(value), []
    else:
        total, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
            total += _ITEM * len(item)
        elif isinstance(item, list | tuple):
            waiting.extend(item)
            total += _ITEM * len(item)
        else:
            total += 1
        if total > LARGEST_TEXT:
            break
    if total > LARGEST_TEXT:
        raise LimitExceeded(f"it builds a text of more than {LARGEST_TEXT >> 20} million characters")
    return total


def size_of(value: Any) -> int:
    """Return the memory that a new value takes, in characters, without that of its items."""
    if isinstance(value, str):
        return len(value)
    return 8 * len(value) if isinstance(value, list | tuple | dict) else 1


def comparable(value: Any) -> Any:
    """Return `value`, unless comparing or hashing it could take long."""
    if isinstance(value, list | tuple | dict):
        weigh(value)
    return value


def check_call(function: Callable[..., Any], subject: Any, args: Iterable[Any]) -> None:
    """Refuse a call of a method of a string, a number, a list or a dictionary, or of `dict`."""
    args = tuple(args)
    if function is dict or isinstance(subject, dict | list | tuple):
        for value in args:
            comparable(value)
    if isinstance(subject, list | tuple) and args:
        comparable(subject)
    if not isinstance(subject, str | int | float):
        return
    name = function.__name__
    if name in _UNWANTED_METHODS:
        raise LimitExceeded(f"it may not use the method {name}")
    if isinstance(subject, str):
        if name in _SPLITTING and _pieces(subject, args) > _MOST_ITEMS:
            raise LimitExceeded("it splits a text into too many pieces")
        check_growth(name, (subject, *args))


def _pieces(text: str, args: tuple[Any, ...]) -> int:
    separator = args[0] if args else None
    return text.count(separator) if isinstance(separator, str) and separator else len(text) // 4


def check_filter(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a filter whose arguments, the filtered value first, would make it take long; return them.

    What is to be joined becomes a list, which can be measured.
    """
    if name == "join" and args and not isinstance(args[0], str | list | tuple | dict):
        args = (list(islice(args[0], _MOST_ITEMS)), *args[1:])
    value, *others = args or (None,)
    numbers = [abs(number) for number in others if isinstance(number, int)]
    match name:
        case "list" if isinstance(value, str):
            too_large = len(value) > _MOST_ITEMS
        case "int" | "float":
            too_large = isinstance(value, str) and len(value) > _SHORT_NUMBER
        case "round":
            too_large = any(number > _SHORT_NUMBER // 10 for number in numbers)
        case "slice" | "batch":
            too_large = any(number > _SHORT_NUMBER for number in numbers)
        case "e" | "escape" | "title" | "urlencode" | "from_json" | "fromjson":
            too_large = weigh(value) > _SLOW
        case "tojson":
            too_large = weigh(value) > 4 * _SLOW
        case "sum":
            too_large = any(isinstance(start, list | tuple | str) for start in others)
        case _:
            too_large = False
    if too_large:
        raise LimitExceeded(f"its {name} is given something far too large")
    if name not in _STRUCTURAL:
        check_growth(name, args)
    return args


def check_growth(name: str, args: tuple[Any, ...]) -> None:
    """Refuse a filter or a method of a string that would make far more than it was given."""
    if not args:
        return
    subject = args[0]
    size = weigh(subject)
    factor = max((_factor(value) for value in args[1:]), default=1)
    if name == "replace" and isinstance(subject, str) and len(args) > 2:
        old, new = str(args[1]), str(args[2])
        size, factor = len(subject) + subject.count(old) * len(new), 1
    elif name == "format" and isinstance(subject, str) and (len(subject) > _FORMATS or _WIDE_FORMAT.search(subject)):
        raise LimitExceeded("it formats with a width that is too large or hidden")
    elif name not in _MULTIPLIERS:
        return
    if size * factor > LARGEST_TEXT:
        raise LimitExceeded(f"its {name} would make a text of more than {LARGEST_TEXT >> 20} million characters")


def _factor(value: Any) -> int:
    if isinstance(value, int):
        if abs(value) > _LARGEST_NUMBER:
            raise LimitExceeded(f"it counts to more than {_LARGEST_NUMBER:,}")
        return abs(value)
    return weigh(value)


def check_operation(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation that would make something far too large."""
    match operator, left, right:
        case "**", int(), int():
            too_large = left.bit_length() * abs(right) > _MOST_BITS
        case "*", int(), int():
            too_large = left.bit_length() + right.bit_length() > _MOST_BITS
        case "*", str(), int() | bool():
            too_large = len(left) * right > LARGEST_TEXT
        case "*", int(), str():
            too_large = left * len(right) > LARGEST_TEXT
        case "*", list() | tuple(), int():
            too_large = len(left) * right > _MOST_ITEMS
        case "*", int(), list() | tuple():
            too_large = left * len(right) > _MOST_ITEMS
        case "+", str(), str():
            too_large = len(left) + len(right) > LARGEST_TEXT
        case "+", list() | tuple(), list() | tuple():
            too_large = len(left) + len(right) > _MOST_ITEMS
        case "%", str(), _:
            check_growth("format", (left, *(right if isinstance(right, tuple) else (right,))))
            too_large = False
        case _:
            too_large = False
    if too_large:
        raise LimitExceeded(f"its {operator} would make something far too large")
