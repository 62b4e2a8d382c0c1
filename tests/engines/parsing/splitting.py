"""Splits replies, cut in any way, and sums up what came out."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from mistral_tui.engines.parsing.splitter import Notation, ReplySplitter
from mistral_tui.types.events import ReasoningDelta, TextDelta, ToolCallDelta
from mistral_tui.types.requests import ToolSpec

WEATHER = ToolSpec(
    "get_weather",
    "Weather of a city",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city"},
            "days": {"type": "integer", "description": "How many"},
            "options": {
                "type": "object",
                "description": "Further wishes",
                "properties": {"heights": {"type": "array", "items": {"type": "number"}}},
            },
        },
        "required": ["city"],
        "additionalProperties": False,
    },
)
TIME = ToolSpec(
    "get_time",
    "Time in a zone",
    {
        "type": "object",
        "properties": {"zone": {"type": "string", "description": "Name of the zone"}},
        "required": ["zone"],
        "additionalProperties": False,
    },
)
TOOLS = (WEATHER, TIME)
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_weather", {"city": 'São "Paulo"', "days": 3, "options": {"heights": [1, 2.5]}}),
    ("get_time", {"zone": "Europe/Paris"}),
)


@dataclass
class Split:
    """What a reply was split into; adjacent text and adjacent reasoning are one."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    order: str = ""
    """`t`, `r` and `c`, in the order of the parts."""

    @property
    def parsed(self) -> list[tuple[str, Any]]:
        return [(name, json.loads(arguments)) for name, arguments in self.calls]


def split(
    chunks: str | Iterable[str],
    template: str = "<tool_call></think>",
    tools: Sequence[ToolSpec] = TOOLS,
    prompt: str = "",
    has_token: Iterable[str] = (),
    takes_tools: bool = True,
) -> Split:
    """Split a reply that arrives in these chunks; nothing of it may get lost."""
    chunks = [chunks] if isinstance(chunks, str) else list(chunks)
    ids = count()
    splitter = ReplySplitter(
        Notation.of(template, set(has_token).__contains__, takes_tools), tools, prompt, lambda: f"id{next(ids)}"
    )
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.flush()
    assert "".join(piece.source for piece in pieces) == "".join(chunks)
    result = Split()
    for piece in pieces:
        match piece.delta:
            case TextDelta(text):
                result.text += text
                kind = "t"
            case ReasoningDelta(text):
                result.reasoning += text
                kind = "r"
            case ToolCallDelta(index, call_id, name, arguments):
                kind = "" if index < len(result.calls) else "c"
                if kind:
                    assert name
                    result.calls.append((name, ""))
                    result.ids.append(call_id)
                assert index == len(result.calls) - 1
                result.calls[-1] = result.calls[-1][0], result.calls[-1][1] + arguments
            case None:
                kind = ""
        if not result.order.endswith(kind) or kind == "c":
            result.order += kind
    assert splitter.called == bool(result.calls)
    return result
