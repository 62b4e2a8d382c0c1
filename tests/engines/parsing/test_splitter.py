import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.parsing.splitter import Notation
from tests.engines.parsing.splitting import TOOLS, split

pytestmark = pytest.mark.core

JSON_CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
PARIS = [("get_weather", {"city": "Paris"})]

WRITTEN: dict[str, tuple[str, str, list[tuple[str, Any]]]] = {
    # What the template tells of the family, a reply, the calls in it.
    "hermes": ("<tool_call>", f"<tool_call>\n{JSON_CALL}\n</tool_call>", PARIS),
    "hermes, two in one": ("<tool_call>", f"<tool_call>\n[{JSON_CALL},\n{JSON_CALL}]</tool_call>", PARIS * 2),
    "hermes, arguments first": (
        "<tool_call>",
        '<tool_call>{"arguments": {"city": "Paris"}, "name": "get_weather"}</tool_call>',
        PARIS,
    ),
    "hermes, arguments as a string": (
        "<tool_call>",
        '<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>',
        PARIS,
    ),
    "hermes, nested as in the API": (
        "<tool_call>",
        '<tool_call>{"type": "function", "id": "x", "function": '
        '{"name": "get_weather", "arguments": {"city": "Paris"}}}</tool_call>',
        PARIS,
    ),
    "hermes, one bracket too many": ("<tool_call>", f"<tool_call>{JSON_CALL}}}</tool_call>", PARIS),
    "hermes, one bracket too few": ("<tool_call>", f"<tool_call>{JSON_CALL[:-1]}</tool_call>", PARIS),
    "hermes, without arguments": ("<tool_call>", '<tool_call>{"name": "get_time"}</tool_call>', [("get_time", {})]),
    "hermes, a mark in a string": (
        "<tool_call>",
        '<tool_call>{"name": "get_time", "arguments": {"zone": "</tool_call>{"}}</tool_call>',
        [("get_time", {"zone": "</tool_call>{"})],
    ),
    "qwen-coder": (
        "<function=<parameter=",
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
        '<parameter=options>\n{"heights": [1]}\n</parameter>\n</function>\n</tool_call>',
        [("get_weather", {"city": "Paris", "options": {"heights": [1]}})],
    ),
    "qwen-coder, outer tag forgotten": (
        "<function=<parameter=",
        "<function=get_weather>\n<parameter=city>\n3\n</parameter>\n</function>\n</tool_call>",
        [("get_weather", {"city": "3"})],
    ),
    "qwen-coder, without parameters": (
        "<function=<parameter=",
        "<tool_call>\n<function=get_time>\n</function>\n</tool_call>",
        [("get_time", {})],
    ),
    "mistral, array": ("[TOOL_CALLS]", f"[TOOL_CALLS][{JSON_CALL}, {JSON_CALL}]", PARIS * 2),
    "mistral, names": ("[TOOL_CALLS]", '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}' * 2, PARIS * 2),
    "mistral, without [ARGS]": ("[TOOL_CALLS]", '[TOOL_CALLS]get_weather{"city": "Paris"}', PARIS),
    "llama": ("<|python_tag|>", '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}', PARIS),
    "llama, two": (
        "<|python_tag|>",
        '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}; '
        '{"name": "get_weather", "parameters": {"city": "Paris"}}',
        PARIS * 2,
    ),
    "llama, bare": ("<|python_tag|>", '{"name": "get_weather", "parameters": {"city": "Paris"}}', PARIS),
    "llama, bare Python": (
        "<|python_tag|>",
        '[get_weather(city="Paris"), get_time(zone="x")]',
        [*PARIS, ("get_time", {"zone": "x"})],
    ),
    "deepseek v3": (
        "<｜tool▁calls▁begin｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Paris"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        PARIS,
    ),
    "deepseek v3.1": (
        "<｜tool▁calls▁begin｜>",
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜>'
        "<｜tool▁calls▁end｜>",
        PARIS,
    ),
    "gemma, tool_code": ("", '```tool_code\nprint(get_weather("Paris"))\n```', PARIS),
    "gemma 4": ("<|tool_call>", '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>}<tool_call|>', PARIS),
    "harmony": (
        "<|channel|>",
        '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Paris"}<|call|>',
        PARIS,
    ),
    "phi": ("<|tool_call|>", f"<|tool_call|>[{JSON_CALL}]<|/tool_call|>", PARIS),
    "functools": ("functools[", f"functools[{JSON_CALL}, {JSON_CALL}]", PARIS * 2),
    "granite 3": ("<|tool_call|>", f"<|tool_call|>[{JSON_CALL}]", PARIS),
    "command-r": (
        "<|START_ACTION|>",
        '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Paris"}}\n]'
        "<|END_ACTION|>",
        PARIS,
    ),
    "lfm": ("List of tools: [", '<|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|>', PARIS),
    "fenced": ("", f"```json\n{JSON_CALL}\n```", PARIS),
    "fenced, no language": ("", f"```\n{JSON_CALL}\n```", PARIS),
    "bare array": ("", f"[{JSON_CALL},{JSON_CALL}]", PARIS * 2),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_calls_are_found_in_every_notation(written: str) -> None:
    template, reply, calls = WRITTEN[written]
    for before, after in (("", ""), ("I look.\n\n", "")):
        result = split(before + reply + after, template)
        assert result.parsed == calls
        assert result.text == before.strip()
    assert split(reply, template, tools=()).calls == []


@given(st.data(), st.sampled_from(sorted(WRITTEN)))
def test_chunks_change_nothing(data: st.DataObject, written: str) -> None:
    template, reply, _ = WRITTEN[written]
    reply = "<think>\nwell <\n</think>\n\nI  look {\n\n" + reply + "\n <b> {x} ``` {}"
    cuts = sorted(data.draw(st.sets(st.integers(0, len(reply)))))
    chunks = [reply[a:b] for a, b in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
    assert split(chunks, template + "</think>") == split(reply, template + "</think>")


_MARKS = [
    *("<tool_call>", "</tool_call>", "<think>", "</think>", "<function=", "<parameter=", "</parameter>", "</function>"),
    *(
        "[TOOL_CALLS]",
        "[ARGS]",
        "```json\n",
        "```",
        '{"name": "',
        "get_weather",
        '", "arguments": ',
        "{",
        "}",
        "[",
        "]",
    ),
    *('"', "'", "\\", "\n", " ", ",", ":", "<", "x", "3", "é", "call:", '<|"|>', "<|tool_call>", "<tool_call|>", ")]"),
    *("<|channel|>", "analysis", "<|message|>", "<|end|>", "<|start|>assistant", " to=functions.get_time", "<|call|>"),
    *(
        "<｜tool▁call▁begin｜>",
        "<｜tool▁sep｜>",
        "<｜tool▁call▁end｜>",
        "get_time(",
        "<arg_key>",
        "<arg_value>",
        "</arg_value>",
    ),
]
_TEMPLATES = sorted({template for template, _, _ in WRITTEN.values()} | {"<arg_key>"})


@given(st.lists(st.sampled_from(_MARKS)), st.sampled_from(_TEMPLATES), st.booleans(), st.data())
def test_nothing_gets_lost_whatever_is_written(
    marks: list[str], template: str, tools: bool, data: st.DataObject
) -> None:
    reply = "".join(marks)
    given_tools = TOOLS if tools else ()
    whole = split(reply, template + "</think>", given_tools)
    assert split(reply, template + "</think>", given_tools) == whole
    cuts = sorted(data.draw(st.sets(st.integers(0, len(reply)))))
    chunks = [reply[a:b] for a, b in zip([0, *cuts], [*cuts, len(reply)], strict=True)]
    assert split(chunks, template + "</think>", given_tools) == whole
    assert split(list(reply), template + "</think>", given_tools) == whole


@pytest.mark.parametrize("written", WRITTEN)
def test_a_call_that_is_cut_off_is_never_taken_for_a_whole_one(written: str) -> None:
    template, reply, calls = WRITTEN[written]
    for length in range(len(reply)):
        for (name, arguments), (whole_name, whole_arguments) in zip(
            split(reply[:length], template).calls, calls, strict=False
        ):
            assert name == whole_name
            assert _read(arguments) in (None, whole_arguments)


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("template", "prompt", "reply", "reasoning", "text"),
    [
        ("</think>", "", "<think>\nI think.\n</think>\n\nHello.", "I think.", "Hello."),
        ("</think>", "<|im_start|>assistant\n<think>\n", "I think.\n</think>\n\nHello.", "I think.", "Hello."),
        ("</think>", "<think>\n\n</think>\n\n", "Hello.", "", "Hello."),
        ("</think>", "", "Hello <think> x </think>", "", "Hello <think> x </think>"),
        ("</think>", "", "<think>no end", "no end", ""),
        ("</think>", "", "<think>\n\n</think>\n\nHello.", "", "Hello."),
        ("[THINK]", "", "[THINK]I think.[/THINK]Hello.", "I think.", "Hello."),
        ("<seed:think>", "", "<seed:think>I think.</seed:think>Hello.", "I think.", "Hello."),
        (
            "<|START_THINKING|><|START_RESPONSE|><|END_RESPONSE|>",
            "<|START_THINKING|>",
            "I think.<|END_THINKING|><|START_RESPONSE|>Hello.<|END_RESPONSE|>",
            "I think.",
            "Hello.",
        ),
        ("<|channel>", "", "<|channel>thought\nI think.\n<channel|>Hello.", "I think.", "Hello."),
        (
            "between <think></think> and between <response></response>",
            "",
            "<think>I think.</think>\n<response>Hello.</response>",
            "I think.",
            "Hello.",
        ),
        (
            "<|channel|>",
            "<|start|>assistant",
            "<|channel|>analysis<|message|>I think.<|end|><|start|>assistant<|channel|>final<|message|>Hello.",
            "I think.",
            "Hello.",
        ),
        ("<|channel|>", "<|start|>assistant", "Hello, without marks.", "", "Hello, without marks."),
        ("nothing of it", "", "<think>I think.</think>Hello.", "", "<think>I think.</think>Hello."),
    ],
)
def test_reasoning_is_told_from_the_answer(template: str, prompt: str, reply: str, reasoning: str, text: str) -> None:
    for tools in ((), TOOLS):
        result = split(reply, template, tools, prompt)
        assert (result.reasoning, result.text) == (reasoning, text)


def test_a_token_of_the_vocabulary_tells_of_reasoning_where_the_template_does_not() -> None:
    result = split("<think>I think.</think>Hello.", "chatml", has_token=["<think>"])
    assert (result.reasoning, result.text) == ("I think.", "Hello.")


@pytest.mark.parametrize(
    "reply",
    [
        '{"name": "no_such_tool", "arguments": {}}',
        '{"name": "get_weather"}',
        '{"users": [1, 2]}',
        'Write {"name": "get_weather", "arguments": {}} for it.',
        '```json\n{"name": "Ada", "arguments": {}}\n```\nis JSON.',
        '```python\nprint("get_weather")\n```',
        "```\ncode\n```\n\n```\nmore\n```",
        '```text\n{"name": "get_weather", "arguments": {}} x\n',
        "[1] and [get_weather]",
        "<tool_call>nothing of the kind</tool_call>",
        "a < b, c > d {e} [f] `g`\n\n",
        "functools[3]",
    ],
)
def test_text_stays_text(reply: str) -> None:
    template = "functools[" if reply.startswith("functools") else "<tool_call>"
    if reply.startswith("```text"):
        reply = reply.replace("text", "json").replace('"get_weather"', '"get"')
    result = split(reply, template)
    assert result.calls == []
    assert result.text == reply


def test_a_fence_may_follow_on_text() -> None:
    written = 'Action: ```json\n[\n  {"tool_name": "get_weather", "parameters": {"city": "Paris"}}\n]```'
    result = split(written, "")
    assert (result.text, result.parsed) == ("Action:", PARIS)


def test_a_model_whose_template_knows_no_tools_may_write_calls_either_way() -> None:
    own = '<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜>'
    for written in (own, f"<tool_call>{JSON_CALL}</tool_call>"):
        assert split(written, "<｜tool▁calls▁begin｜>", takes_tools=False).parsed == PARIS


def test_an_unknown_tool_between_marks_is_a_call() -> None:
    assert split('<tool_call>{"name": "other", "arguments": {}}</tool_call>').parsed == [("other", {})]


def test_broken_arguments_are_passed_on_as_they_are() -> None:
    result = split('<tool_call>{"name": "get_time", "arguments": {"zone": §}}</tool_call> So.')
    assert result.calls == [("get_time", '{"zone": §}}')]
    assert result.text == "So."


def test_arguments_that_are_nested_without_end_are_passed_on_as_they_are() -> None:
    nested = '"' + "[" * 100_000 + '"'
    result = split(f'<tool_call>{{"name": "get_time", "arguments": {nested}}}</tool_call>')
    assert result.calls == [("get_time", nested)]


def test_arguments_stream_while_they_are_written() -> None:
    from mistral_tui.engines.parsing.splitter import ReplySplitter
    from mistral_tui.types.events import ToolCallDelta

    splitter = ReplySplitter(Notation.of("<tool_call>"), TOOLS, "")
    splitter.feed('<tool_call>{"name": "get_time", "arguments": {"zo')
    (piece,) = splitter.feed('ne": "Eur')
    assert isinstance(piece.delta, ToolCallDelta)
    assert piece.delta.arguments == 'ne": "Eur'


def test_the_parts_keep_their_order() -> None:
    reply = f"<think>a</think>b<tool_call>{JSON_CALL}</tool_call>c<tool_call>{JSON_CALL}</tool_call>"
    result = split(reply)
    assert result.order == "rtctc"
    assert (result.reasoning, result.text) == ("a", "bc")


def test_ids_that_a_model_writes_are_kept() -> None:
    written = '<|tool_call_begin|>functions.get_time:4<|tool_call_argument_begin|>{"zone": "x"}<|tool_call_end|>'
    assert split(written, "<|tool_call_begin|>").ids == ["functions.get_time:4"]
    assert split('[TOOL_CALLS]get_time[CALL_ID]abc123def[ARGS]{"zone": "x"}', "[TOOL_CALLS]").ids == ["abc123def"]


def test_values_between_tags_get_the_types_of_the_schema() -> None:
    values = {"city": "12", "days": "12", "options": "{'heights': [True]}", "other": 'plain "text"'}
    written = "".join(f"<arg_key>{key}</arg_key><arg_value>{value}</arg_value>" for key, value in values.items())
    reply = f"<tool_call>get_weather{written}</tool_call>"
    (call,) = split(reply, "<arg_key>").calls
    assert json.loads(call[1]) == {"city": "12", "days": 12, "options": {"heights": [True]}, "other": 'plain "text"'}
