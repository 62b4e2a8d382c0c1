"""What is wrong with the arguments of a call, in words that a small model can act on.

The schema is a server's: it may refer to itself for ever, to other machines, or be no schema. Nothing is fetched; what
cannot be made sense of is not checked, since the server checks as well. That it may take for ever is looked after by
`mistral_tui.tools.arguments.checker`.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped] # it has no types
from jsonschema.exceptions import (  # type: ignore[import-untyped]
    UndefinedTypeCheck,
    UnknownType,
    ValidationError,
    best_match,
)
from jsonschema.validators import extend, validator_for  # type: ignore[import-untyped]
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing.exceptions import Unresolvable

from mistral_tui.types.messages import Json
from mistral_tui.types.text import printable_line

MOST: Final = 5
"""Complaints about one call."""
_LONGEST: Final = 200
_NONSENSE: Final = (
    *(Unresolvable, UnknownType, UndefinedTypeCheck, re.error),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
)
_FORMATS: Final = FormatChecker(("date", "ipv4", "ipv6", "email"))


def complaints(schema: Json, arguments: Json) -> list[str]:
    """Return what is wrong with `arguments`, in the schema's order; nothing: they are what the schema asks for."""
    validator = _validator(schema)
    try:
        errors = list(islice(validator.iter_errors(arguments), MOST))
    except RecursionError:
        return ["they cannot be checked: the schema of this tool refers to itself without end"]
    except _NONSENSE:
        return []
    return list(dict.fromkeys(_words(best_match([error]) or error) for error in errors))


def takes(schema: Json) -> str:
    """Return what a tool takes, in one line, such as `zone (string, needed), format (string)`."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return "nothing"
    needed = schema.get("required")
    needed = needed if isinstance(needed, list) else []
    words = []
    for name, value in properties.items():
        about = [_kind(value)] if _kind(value) else []
        about += ["needed"] if name in needed else []
        words.append(f"{name} ({', '.join(about)})" if about else str(name))
    return _cut(", ".join(words), 600)


def _kind(schema: object) -> str:
    if not isinstance(schema, dict):
        return ""
    if isinstance(values := schema.get("enum"), list):
        return "one of " + _cut(", ".join(map(repr, values[:20])), _LONGEST)
    kind = schema.get("type")
    return kind if isinstance(kind, str) else " or ".join(map(str, kind[:5])) if isinstance(kind, list) else ""


def _words(error: Any) -> str:
    """Return one complaint, with its place."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path).lstrip(".")
    where = f"{place}: " if place else ""
    match error.validator:
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            said = f"{', '.join(missing)} is missing"
        case "additionalProperties" if isinstance(error.schema.get("properties"), dict):
            known = error.schema["properties"]
            unknown = [name for name in error.instance if name not in known]
            said = f"{', '.join(unknown)} is not known; there are: {', '.join(known) or 'none'}"
        case _:
            said = error.message
    return _cut(printable_line(f"{where}{said}"), _LONGEST)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _validator(schema: Json) -> Any:
    version = schema.get("$schema")
    kind = validator_for(schema, Draft202012Validator) if isinstance(version, str) else Draft202012Validator
    lenient = extend(kind, {keyword: _lenient(check) for keyword, check in kind.VALIDATORS.items()})
    # With a registry of its own it fetches nothing.
    return lenient(schema, registry=REGISTRY, format_checker=_FORMATS)


Check = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


def _lenient(check: Check) -> Check:
    """Return a check of one keyword that finds nothing wrong where the schema makes no sense."""

    def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        try:
            yield from check(validator, value, instance, schema) or ()
        except _NONSENSE:
            return

    return checked
