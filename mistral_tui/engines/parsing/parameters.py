"""Calls whose arguments are written one by one, as plain text between tags: their JSON is made here."""

import ast
import json
from collections.abc import Sequence
from typing import Any, Final

from mistral_tui.types.requests import ToolSpec

_ANYTHING: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


class Parameters:
    """What types the parameters of the tools have."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._properties: dict[str, Any] = {tool.name: tool.parameters.get("properties") for tool in tools}

    def is_text(self, tool: str, name: str) -> bool:
        """Whether a parameter is certainly a string."""
        return _types(self._schema(tool, name)) == {"string"}

    def json(self, tool: str, name: str, written: str) -> str:
        """Return the JSON of a value that was written as text: a string, unless the schema allows something else."""
        types = _types(self._schema(tool, name))
        text = written.strip()
        try:
            json.loads(text)
        except ValueError:
            text = _python_value(text)
        if types == {"string"} or not text or ("string" in types and text[0] == '"'):
            return json.dumps(written, ensure_ascii=False)
        return text

    def _schema(self, tool: str, name: str) -> Any:
        properties = self._properties.get(tool)
        return properties.get(name) if isinstance(properties, dict) else None


def _types(schema: Any) -> frozenset[str]:
    if not isinstance(schema, dict):
        return _ANYTHING
    named = schema.get("type")
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list):
        return frozenset(filter(_ANYTHING.__contains__, map(str, named)))
    values = schema.get("enum")
    if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
        return frozenset({"string"})
    return _ANYTHING


def _python_value(text: str) -> str:
    """Return the JSON of a Python literal, or "" if `text` is none."""
    try:
        return json.dumps(ast.literal_eval(text), ensure_ascii=False)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ""
