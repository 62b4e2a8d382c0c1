"""JSON schemas as llguidance takes them, and where in a schema it is that it cannot be followed."""

import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from llguidance import LLMatcher, LLParserLimits

from mistral_tui.engines.grammar.complaints import in_plain_words
from mistral_tui.engines.grammar.json_text import Path, in_words, parsed
from mistral_tui.types.errors import InvalidRequest

_SECONDS_TO_LOCATE: Final = 1.0
_WHITESPACE: Final = r" |\n[ \t]{0,32}"
"""Between the parts of a JSON text, and none at all; a small model would otherwise write blanks until it is cut off."""

_OF_SCHEMAS: Final = ("$defs", "definitions", "properties", "patternProperties", "dependentSchemas")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_ONE: Final = ("items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains")

_MOVED: Final = "/$defs/all"
"""Where `_only` puts the schema."""

_Json = Any


def to_llguidance(text: str) -> str:
    """Return the llguidance grammar of a JSON schema.

    Formats of strings that llguidance does not know are left out: to JSON Schema they are remarks. Everything else
    that it cannot enforce is an error, unless the schema says `"x-guidance": {"lenient": true}`. A `$ref` that leads
    out of the schema is never fetched.

    Raises:
        InvalidRequest: It is no JSON, or no JSON schema; says where.
    """
    schema = parsed(text, "the JSON schema")
    if not isinstance(schema, dict | bool):
        raise InvalidRequest("the JSON schema must be an object, or true; see https://json-schema.org")
    try:
        return _grammar(_without_unknown_formats(schema))
    except ValueError as error:
        raise InvalidRequest(f"the JSON schema is no JSON for llguidance: {error}") from None


def place_of_error(text: str, complaint: str, limits: LLParserLimits) -> str:
    """Return what is wrong with a schema that llguidance refuses: the JSON path of the innermost place, and why.

    Args:
        text: The schema.
        complaint: What llguidance said.
        limits: Those under which it said so.
    """
    schema = _without_unknown_formats(parsed(text, "the JSON schema"))
    deadline = time.monotonic() + _SECONDS_TO_LOCATE
    path: Path = ()
    searching = isinstance(schema, dict)
    while searching:
        searching = False
        for child in _subschemas(_at(schema, path)):
            if time.monotonic() > deadline:
                break
            error = LLMatcher.validate_grammar(_grammar(_only(schema, path + child)), limits=limits)
            if error:
                path, complaint, searching = path + child, error, True
                break
    return f"{in_words(path)}: {_explained(complaint)}"


def _explained(complaint: str) -> str:
    if complaint.startswith("Unimplemented keys: "):
        keys = complaint.removeprefix("Unimplemented keys: ").strip("[]")
        return f'{keys} cannot be enforced; leave it out, or have it ignored with "x-guidance": {{"lenient": true}}'
    if complaint.startswith("oneOf constraints are not supported"):
        return 'alternatives of "oneOf" that overlap cannot be enforced; use "anyOf"'
    if complaint.startswith("Resource '"):
        reference = complaint.split("'")[1]
        return f'"$ref" leads to {reference}, which is not in the schema, and nothing is fetched; put it into "$defs"'
    if complaint.startswith("Pointer '"):
        pointer = complaint.split("'")[1].removeprefix(_MOVED)
        return f'"$ref" leads to #{pointer}, which is not there'
    if "regex parse error" in complaint:
        return f"invalid pattern: {complaint.rsplit('error: ', 1)[-1].splitlines()[0]}"
    return in_plain_words(complaint)


def _grammar(schema: _Json) -> str:
    if isinstance(schema, bool):
        schema = {} if schema else {"enum": []}
    return LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults={"whitespace_pattern": _WHITESPACE})


def _without_unknown_formats(schema: _Json) -> _Json:
    if isinstance(schema, list):
        return [_without_unknown_formats(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key == "format" and isinstance(value, str) and not _knows_format(value):
            continue
        # What stands below these is data of the replies, or a name that the schema's author chose.
        kept[key] = value if key in ("const", "enum", "default", "examples") else _without_unknown_formats(value)
    return kept


@cache
def _knows_format(name: str) -> bool:
    schema = json.dumps({"type": "string", "format": name})
    return not LLMatcher.validate_grammar(LLMatcher.grammar_from_json_schema(schema))


def _subschemas(schema: _Json) -> Iterator[Path]:
    if not isinstance(schema, dict):
        return
    for key in _OF_SCHEMAS:
        if isinstance(named := schema.get(key), dict):
            yield from ((key, name) for name in named)
    for key in _LISTS:
        if isinstance(several := schema.get(key), list):
            yield from ((key, index) for index in range(len(several)))
    for key in _ONE:
        if isinstance(schema.get(key), dict | bool):
            yield (key,)


def _only(schema: _Json, path: Path) -> _Json:
    """Return a schema that is the part of `schema` at `path`, with everything in reach that its references name."""
    pointer = "".join("/" + quote(str(step).replace("~", "~0").replace("/", "~1"), safe="~") for step in path)
    return {"$defs": {"all": _with_moved_references(schema)}, "$ref": f"#{_MOVED}{pointer}"}


def _with_moved_references(schema: _Json) -> _Json:
    if isinstance(schema, list):
        return [_with_moved_references(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _with_moved_references(value) for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
        moved["$ref"] = f"#{_MOVED}{reference[1:]}"
    return moved


def _at(schema: _Json, path: Path) -> _Json:
    for step in path:
        schema = schema[step]
    return schema
