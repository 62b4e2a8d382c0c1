"""Grammars for calls allow what templates write, and nothing that is no call."""

import json
from pathlib import Path
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from mistral_tui.engines.parsing.call_grammar import AT_BARE_ARGUMENTS, AT_MARK
from mistral_tui.engines.parsing.families import FAMILIES
from mistral_tui.engines.parsing.splitter import Notation
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.requests import NamedTool, ToolChoice, ToolSpec
from tests.engines.parsing.splitting import CALLS, TOOLS, split
from tests.engines.parsing.test_real_templates import ELSEWHERE, OTHER_NOTATIONS, called_in, richest

pytestmark = pytest.mark.core

BYTES = LLTokenizer("byte")


NOT_SO = {"Reka-Edge", "ByteDance-Seed-OSS", "openbmb-MiniCPM5-1B", "openai-gpt-oss-120b"}
"""Templates that write JSON with needless escapes, or Python instead, or several replies with a call each."""


class Grammar:
    """A grammar over single bytes, in which no mark is a control token."""

    def __init__(self, template: str, choice: ToolChoice = "auto", tools: tuple[ToolSpec, ...] = TOOLS) -> None:
        lark = Notation.of(template).grammar_of_calls(tools, choice, lambda name: None)
        self._matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(lark))
        assert not self._matcher.is_error(), f"{self._matcher.get_error()}\n{lark}"

    def taken(self, text: str) -> str:
        """Return the beginning of `text` that the grammar allows."""
        self._matcher.reset()
        written = text.encode()
        return written[: self._matcher.try_consume_tokens(list(written))].decode("utf-8", "replace")

    def allows(self, text: str) -> bool:
        """Whether the grammar allows all of `text`, and nothing need follow."""
        return self.taken(text) == text and (self._matcher.is_stopped() or self._matcher.is_accepting())


def test_what_a_template_writes_is_allowed_where_calls_are_required(templates_of_real_models: Path) -> None:
    refused = {}
    for path in sorted(templates_of_real_models.glob("*.jinja")):
        template = ChatTemplate(path.read_text(encoding="utf-8"))
        notation = Notation.of(template.text, takes_tools=template.takes_tools)
        way = notation.as_told.written
        if way is None or not template.takes_tools or path.stem in ELSEWHERE | OTHER_NOTATIONS | NOT_SO:
            continue
        reply = richest(path.stem, template, text=False).reply
        if notation.reasoning is not None:
            # The prompt may have opened it; then the grammar begins behind it.
            reply = reply.rpartition(notation.reasoning.closes)[2]
        reply = reply.strip()
        if len(called_in(reply)) < 2 and way.most > 1:
            continue
        grammar = Grammar(template.text, "required")
        if not grammar.allows(reply):
            refused[path.stem] = (reply, grammar.taken(reply))
    assert not refused


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("choice", ["auto", "required", NamedTool("get_time")], ids=str)
def test_every_family_has_a_grammar(family: Any, choice: ToolChoice) -> None:
    Grammar(family.signs[0], choice)


@pytest.mark.parametrize(
    "call",
    [
        '<tool_call>\n{"name": "get_moon", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "get_time", "arguments": {"zone": 3}}\n</tool_call>',
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "moon": 1}}\n</tool_call>',
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": "3"}}\n</tool_call>',
        "I do not know.",
        "",
    ],
)
def test_what_is_no_call_is_refused(call: str) -> None:
    assert not Grammar("<tool_call>", "required").allows(call)


def test_a_named_tool_is_called_once_and_no_other_is() -> None:
    grammar = Grammar("<tool_call>", NamedTool("get_time"))
    call = '<tool_call>\n{"name": "get_time", "arguments": {"zone": "UTC"}}\n</tool_call>'
    assert grammar.allows(call)
    assert grammar.taken(f"{call}\n{call}").strip() == call
    assert not grammar.allows('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>')


def test_reasoning_may_come_before_a_required_call() -> None:
    call = '<tool_call>\n{"name": "get_time", "arguments": {"zone": "UTC"}}\n</tool_call>'
    grammar = Grammar("<tool_call></think>", "required")
    assert grammar.allows(f"<think>\nI need {{it}}.\n</think>\n\n{call}")
    assert grammar.allows(call)


@pytest.mark.parametrize(
    ("template", "rest"),
    [
        ("<tool_call>", f'{AT_MARK}\n{{"name": "get_time", "arguments": {{"zone": "UTC"}}}}\n</tool_call>'),
        ("<tool_call>", f'{AT_BARE_ARGUMENTS}get_time\n{{"zone": "UTC"}}\n}}'),
        ("[ARGS]", f'{AT_MARK}get_time[ARGS]{{"zone": "UTC"}}'),
        (
            "<parameter=",
            f"{AT_MARK}\n<function=get_time>\n<parameter=zone>\nUTC\n</parameter>\n</function>\n</tool_call>",
        ),
        ("<arg_key>", f"{AT_MARK}get_time\n<arg_key>zone</arg_key>\n<arg_value>UTC</arg_value>\n</tool_call>"),
    ],
)
def test_a_call_that_has_begun_is_complete_with_its_end(template: str, rest: str) -> None:
    grammar = Grammar(template)
    assert grammar.allows(rest)
    assert not any(grammar.allows(rest[:length]) for length in range(len(rest)))


def test_what_a_grammar_allows_between_tags_is_split_into_the_same() -> None:
    written = "".join(
        f"<tool_call>\n<function={name}>\n"
        + "".join(
            f"<parameter={key}>\n{value if isinstance(value, str) else json.dumps(value)}\n</parameter>\n"
            for key, value in arguments.items()
        )
        + "</function>\n</tool_call>\n"
        for name, arguments in CALLS
    ).strip()
    assert Grammar("<parameter=", "required").allows(written)
    assert split(written, "<parameter=").parsed == list(CALLS)


def _nested(levels: int) -> dict[str, Any]:
    return {"type": "array", "items": _nested(levels - 1)} if levels else {}


HARD_SCHEMAS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "references in a circle": {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"type": "object", "properties": {"left": {"$ref": "#/$defs/node"}}}},
    },
    "references elsewhere": {"type": "object", "properties": {"a": {"$ref": "https://example.org/schema.json"}}},
    "references nowhere": {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}},
    "patterns and formats": {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "(?=x)\\d+", "format": "uri", "maxLength": 100_000}},
    },
    "unions": {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}, {"type": ["integer", "null"]}]}}},
    "merged": {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "number"}}}]},
    "booleans": {"type": "object", "properties": {"a": True, "b": False}, "additionalProperties": True},
    "not": {"type": "object", "properties": {"a": {"not": {"type": "string"}}}},
    "quotes": {"type": "object", "properties": {'a"b\\': {"enum": ['x"y', "</tool_call>", ""]}}},
    "no schema at all": {"type": 3, "properties": [], "required": "x"},
    "impossible limits": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 9, "maximum": 1}}},
    "a thousand choices": {"type": "object", "properties": {"a": {"enum": [f"v{n}" for n in range(1000)]}}},
    "deep": {"type": "object", "properties": {"a": _nested(60)}},
}


@pytest.mark.parametrize("parameters", HARD_SCHEMAS.values(), ids=HARD_SCHEMAS)
def test_the_schemas_that_servers_send_become_grammars(parameters: dict[str, Any]) -> None:
    tools = (ToolSpec("look", parameters=parameters),)
    for family in FAMILIES:
        Grammar(family.signs[0], "auto", tools)
        Grammar(family.signs[0], "required", tools)
