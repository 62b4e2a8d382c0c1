"""How families write what stands behind the mark that opens a call: for grammars, which make models write it so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from mistral_tui.engines.parsing.lark import Lark
from mistral_tui.engines.parsing.tool_schemas import arguments_schema, with_space
from mistral_tui.types.messages import Json
from mistral_tui.types.requests import ToolSpec

MOST_CALLS: Final = 8
"""Calls of one reply that must call: a small model would not stop by itself."""
_FIELD: Final = re.compile(r"\{(name|id|number|key|value|kind|space)\}")
_PATTERNS: Final = {"id": "[a-zA-Z0-9]{9}", "number": "[0-9]"}


class CallForm(Protocol):
    """The inside of a call."""

    def term(self, lark: Lark, tools: Sequence[ToolSpec]) -> str:
        """Return a term for a call of one of `tools`."""
        ...


@dataclass(frozen=True)
class JsonForm:
    """An object with the name and the arguments, or an array of such objects."""

    name: str = "name"
    arguments: str = "arguments"
    array: bool = False
    keyed: bool = False
    """Whether the name is the key and the arguments are the value."""
    number: str = ""
    """A key with a running number, before the others."""
    call_id: str = ""
    """A key with nine letters and digits, behind the others, which may be left out."""

    def term(self, lark: Lark, tools: Sequence[ToolSpec]) -> str:
        """Return a term for JSON."""
        objects: Json = {"anyOf": [self._object(tool) for tool in tools]}
        if self.array:
            objects = {"type": "array", "items": objects, "minItems": 1, "maxItems": MOST_CALLS}
        return lark.json(with_space(objects))

    def _object(self, tool: ToolSpec) -> Json:
        properties: Json = {self.number: {"type": "string", "pattern": "^[0-9]$"}} if self.number else {}
        if self.keyed:
            properties[tool.name] = arguments_schema(tool)
        else:
            properties |= {self.name: {"const": tool.name}, self.arguments: arguments_schema(tool)}
        required = list(properties)
        if self.call_id:
            properties[self.call_id] = {"type": "string", "pattern": f"^{_PATTERNS['id']}$"}
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class NamedForm:
    """The name in a fixed text, then the arguments as JSON."""

    head: str
    """With `{name}` in it, and perhaps `{id}` or `{number}`."""

    def term(self, lark: Lark, tools: Sequence[ToolSpec]) -> str:
        """Return a term for one call."""
        return lark.either(
            [f"{_filled(lark, self.head, {'name': tool.name})} {lark.json(arguments_schema(tool))}" for tool in tools]
        )


@dataclass(frozen=True)
class TagForm:
    """Name and parameters between tags."""

    head: str
    """With `{name}` in it."""
    parameter: str
    """With `{key}` and `{value}`; perhaps with `{kind}`, whether it is a string, and `{space}`, a line feed or none."""
    end: str
    spaced: bool = field(default=True, kw_only=True)
    """Whether values stand on lines of their own."""

    def term(self, lark: Lark, tools: Sequence[ToolSpec]) -> str:
        """Return a term for one call."""
        return lark.either([self._call(lark, tool) for tool in tools])

    def _call(self, lark: Lark, tool: ToolSpec) -> str:
        schema = arguments_schema(tool)
        terms = [_filled(lark, self.head, {"name": tool.name}), "space"]
        for key, part in schema.get("properties", {}).items():
            parameter = lark.rule(f"{self._parameter(lark, key, part)} space")
            terms.append(parameter if key in schema.get("required", ()) else f"{parameter}?")
        return " ".join([*terms, lark.text(self.end)])

    def _parameter(self, lark: Lark, key: str, schema: Json) -> str:
        before, after = self.parameter.split("{value}")
        is_text = schema.get("type") == "string" or not schema or "anyOf" in schema
        choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
        written = _filled(lark, before, {"key": key, "kind": "true" if is_text else "false"})
        if choices and all(isinstance(choice, str) for choice in choices):
            value = f"{lark.either([lark.text(choice) or 'space' for choice in choices])} space {lark.text(after)}"
        elif is_text:
            value = lark.up_to(after)
        else:
            value = f"{lark.json(with_space(schema))} space {lark.text(after)}"
        return f"{written} {'space ' if self.spaced else ''}{value}"


def _filled(lark: Lark, text: str, values: dict[str, str]) -> str:
    terms, place = [], 0
    for found in _FIELD.finditer(text):
        terms.append(lark.text(text[place : found.start()]))
        if found[1] in values:
            terms.append(lark.text(values[found[1]]))
        else:
            terms.append("space" if found[1] == "space" else lark.pattern(_PATTERNS[found[1]]))
        place = found.end()
    return " ".join(filter(None, [*terms, lark.text(text[place:])]))


@dataclass(frozen=True)
class Written:
    """How a family writes its calls, in full."""

    opens: str
    """The mark in front of each call; may be empty."""
    form: CallForm
    closes: str = ""
    before: str = field(default="", kw_only=True)
    """What stands in front of all calls."""
    after: str = field(default="", kw_only=True)
    most: int = field(default=MOST_CALLS, kw_only=True)


BARE: Final = Written("", JsonForm(), most=1)
"""For families whose own notation no grammar is written for: every splitter takes this, too."""
