"""The arguments of a tool as a form: a line for each, as the tool's JSON schema describes it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Json

Kind = Literal["text", "number", "whole number", "yes or no", "choice", "JSON"]
MOST: Final = 40
"""Lines of a form; what else there is goes into the last one, as JSON."""
REST: Final = ""
"""The name of the line for all arguments that have none of their own."""
_KINDS: Final[dict[str, Kind]] = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "yes or no",
}


@dataclass(frozen=True)
class FormField:
    """One line."""

    name: str
    kind: Kind
    required: bool = False
    about: str = ""
    choices: tuple[str, ...] = ()
    value: str = ""
    """What stands in it at first."""
    masked: bool = False
    """Whether it is not to be seen."""


def form_fields(schema: Json, arguments: Json | None = None) -> tuple[FormField, ...]:
    """Return the lines of a form; a schema may say anything, so whatever is not plain is a line of JSON.

    Args:
        schema: That of the arguments, as a server gave it.
        arguments: What stands in the form at first.
    """
    given = dict(arguments or {})
    properties = schema.get("properties")
    named = list(properties.items())[:MOST] if isinstance(properties, dict) else []
    wanted = schema.get("required")
    required = {name for name in wanted if isinstance(name, str)} if isinstance(wanted, list) else set()
    fields = [
        _field(name, each if isinstance(each, dict) else {}, name in required, given.pop(name, None))
        for name, each in named
        if isinstance(name, str) and name
    ]
    if given or not fields:
        fields.append(FormField(REST, "JSON", about="other arguments", value=json.dumps(given, ensure_ascii=False)))
    return tuple(fields)


def question_fields(schema: Json) -> tuple[FormField, ...]:
    """Return the lines of a form that a server asks for, with what it proposes; none if it wants a yes or no only."""
    properties = schema.get("properties")
    named = properties if isinstance(properties, dict) else {}
    proposed = {name: each["default"] for name, each in named.items() if isinstance(each, dict) and "default" in each}
    return tuple(field for field in form_fields(schema, proposed) if field.name != REST)


def form_arguments(fields: Sequence[FormField], texts: Mapping[str, str]) -> Json:
    """Return the arguments that the lines of a form say; an empty line is left out.

    Raises:
        InvalidRequest: A line says nothing that fits; says which.
    """
    arguments: Json = {}
    for field in fields:
        text = texts.get(field.name, "")
        if not text.strip() and not (field.required and field.kind == "text"):
            if field.required:
                raise InvalidRequest(f"{field.name} is needed: {field.kind}")
            continue
        value = _value(field, text)
        if field.name != REST:
            arguments[field.name] = value
        elif isinstance(value, dict):
            arguments |= value
        else:
            raise InvalidRequest('the other arguments are no JSON object; write one such as {"a": 1}')
    return arguments


def _field(name: str, schema: Json, required: bool, value: Any) -> FormField:
    choices = schema.get("enum")
    if isinstance(titled := schema.get("oneOf"), list):  # choices with titles
        choices = [each.get("const") if isinstance(each, dict) else None for each in titled]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), None)
    about = schema.get("description")
    words = about if isinstance(about, str) else ""
    texts = isinstance(choices, list) and choices and all(isinstance(each, str) for each in choices)
    if isinstance(choices, list) and texts:
        return FormField(name, "choice", required, words, tuple(choices), value if isinstance(value, str) else "")
    found = _KINDS.get(kind, "JSON") if isinstance(kind, str) else "JSON"
    if found == "text" and not isinstance(value, str | None):
        found = "JSON"
    shown = "" if value is None else value if found == "text" else json.dumps(value, ensure_ascii=False)
    return FormField(name, found, required, words, ("true", "false") if found == "yes or no" else (), shown)


def _value(field: FormField, text: str) -> Any:
    match field.kind:
        case "text":
            return text
        case "choice":
            if text.strip() not in field.choices:
                raise InvalidRequest(f"{field.name} is one of: {', '.join(field.choices)}")
            return text.strip()
        case "yes or no":
            if text.strip().lower() not in ("true", "false"):
                raise InvalidRequest(f"{field.name} is true or false, not {text!r:.40}")
            return text.strip().lower() == "true"
        case "number" | "whole number":
            try:
                number = int(text) if field.kind == "whole number" else float(text)
            except ValueError:
                raise InvalidRequest(f"{field.name} is a {field.kind}, not {text!r:.40}") from None
            if not math.isfinite(number):
                raise InvalidRequest(f"{field.name} is a {field.kind}, not {text!r:.40}")
            return int(number) if number == int(number) and "." not in text and "e" not in text.lower() else number
        case _:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                name = field.name or "what is said of the other arguments"
                raise InvalidRequest(f"{name} is no JSON: {text!r:.40}") from None
