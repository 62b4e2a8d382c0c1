"""The schemas of tools, as a grammar can follow them.

Tools come from everywhere, and so do their schemas. What a grammar cannot follow, or only at a great price, is left
out here: a grammar makes a call well-formed, and whoever runs the tool checks it against the schema as it was given.
"""

from typing import Any, Final

from mistral_tui.types.messages import Json
from mistral_tui.types.requests import ToolSpec

_DEEPEST: Final = 8
"""Levels that are followed; below them everything is allowed."""
_MOST_PARTS: Final = 1_000
"""Parts that are followed in all: alternatives that lead to one another would have no end."""
_MOST: Final = 100
"""Alternatives of one place, and items of an array, that are counted."""
_NUMBERS: Final = ("minimum", "maximum")
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_SPACE: Final = {"x-guidance": {"whitespace_pattern": r" |\n[ \t]{0,16}"}}
"""Between the parts of a JSON text: a small model would otherwise write blanks until it is cut off."""


def arguments_schema(tool: ToolSpec) -> Json:
    """Return the schema of a tool's arguments: an object with no more than the properties that are named."""
    schema = _Normal(tool.parameters).of(tool.parameters, 0)
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {"type": "object", **_SPACE} if _takes_any(tool.parameters) else {**_closed({}, []), **_SPACE}
    return {**_closed(properties, schema.get("required", [])), **_SPACE}


def with_space(schema: Json) -> Json:
    """Return a part of such a schema with the white space that its JSON may have."""
    return {**schema, **_SPACE}


def _closed(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _takes_any(parameters: Json) -> bool:
    """Whether a schema without properties allows any; an empty one means a tool without arguments."""
    return bool(parameters.get("additionalProperties")) or any(key in parameters for key in ("$ref", "anyOf", "allOf"))


class _Normal:
    def __init__(self, root: Json) -> None:
        self._root = root
        self._parts = 0

    def of(self, schema: Any, depth: int) -> Json:
        """Return a schema of the simple kind: types, properties, items, alternatives, constants, limits of numbers."""
        self._parts += 1
        if not isinstance(schema, dict) or depth > _DEEPEST or self._parts > _MOST_PARTS:
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            return self.of(self._found(reference), depth + 1)
        if isinstance(parts := schema.get("allOf"), list):
            return self._merged([{key: schema[key] for key in schema if key != "allOf"}, *parts], depth)
        for key in ("anyOf", "oneOf"):
            if isinstance(several := schema.get(key), list) and several:
                return {"anyOf": [self.of(each, depth + 1) for each in several]} if len(several) <= _MOST else {}
        if "const" in schema:
            return {"const": schema["const"]}
        if isinstance(values := schema.get("enum"), list) and 0 < len(values) <= _MOST:
            return {"enum": values}
        kinds = self._kinds(schema)
        if len(kinds) == 1:
            return self._of_kind(kinds[0], schema, depth)
        return {"anyOf": [self._of_kind(kind, schema, depth) for kind in kinds]} if kinds else {}

    def _found(self, reference: str) -> Any:
        if not reference.startswith("#"):
            return {}
        place: Any = self._root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            place = place.get(step) if isinstance(place, dict) else None
        return place

    def _merged(self, parts: list[Any], depth: int) -> Json:
        merged: Json = {}
        for part in (self.of(part, depth + 1) for part in parts):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", []), *part.get("required", [])]
            merged |= part
            if properties:
                merged |= {"properties": properties, "required": list(dict.fromkeys(required))}
        return merged

    def _kinds(self, schema: Json) -> list[str]:
        kinds = schema.get("type")
        named = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
        if not named and "properties" in schema:
            named = ["object"]
        elif not named and "items" in schema:
            named = ["array"]
        found = [kind for kind in named if isinstance(kind, str) and kind in _TYPES]
        if found and schema.get("nullable") is True and "null" not in found:
            found.append("null")
        return found

    def _of_kind(self, kind: str, schema: Json, depth: int) -> Json:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            items = schema.get("items")
            inside: Json = {"items": self.of(items, depth + 1)} if isinstance(items, dict) else {}
            limits = {key: schema[key] for key in ("minItems", "maxItems") if _is_count(schema.get(key))}
            return {"type": kind, **inside, **(limits if _in_order(limits, "minItems", "maxItems") else {})}
        if kind in ("number", "integer"):
            limits = {key: schema[key] for key in _NUMBERS if _is_number(schema.get(key))}
            return {"type": kind, **(limits if _in_order(limits, "minimum", "maximum") else {})}
        return {"type": kind}

    def _object(self, schema: Json, depth: int) -> Json:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            further = schema.get("additionalProperties")
            values = self.of(further, depth + 1) if isinstance(further, dict) else {}
            return {"type": "object", **({"additionalProperties": values} if values else {})}
        required = schema.get("required")
        names = [name for name in required if name in properties] if isinstance(required, list) else []
        return _closed({name: self.of(part, depth + 1) for name, part in properties.items()}, names)


def _in_order(limits: Json, low: str, high: str) -> bool:
    return low not in limits or high not in limits or bool(limits[low] <= limits[high])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= _MOST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
