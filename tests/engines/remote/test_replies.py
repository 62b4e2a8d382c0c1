"""What the answers of a server become: text, reasoning, calls, figures, however they are sent and cut."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mistral_tui.types.events import EngineEvent, Finished, ReasoningDelta, TextDelta, TokenScored, ToolCallDelta
from mistral_tui.types.requests import SamplingParams
from tests.engines.remote.lab import TOOL, end_of, lab, prompt, text_of
from tests.stubs.openai_server import END, Script, chunk, reply, text

pytestmark = pytest.mark.core


async def test_text_arrives_with_exact_figures() -> None:
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 5},
    }
    script = Script.events(text("Hello"), text(" there."), chunk(finish="stop", usage=usage), END)
    async with lab(script, n_ctx=4096) as one:
        events = await one.write()
        assert text_of(events) == "Hello there."
        finished = end_of(events)
        assert (finished.reason, finished.error) == ("stop", None)
        figures = finished.usage
        assert (figures.prompt_tokens, figures.cached_tokens, figures.completion_tokens) == (12, 5, 2)
        assert (figures.context_tokens, figures.context_size, figures.estimated) == (14, 4096, False)
        assert 0 < figures.time_to_first_token < 20
        assert figures.decode_rate >= 0


@pytest.mark.parametrize("usage", [{}, {"usage": None}, {"usage": {"prompt_tokens": "many"}}, {"usage": []}])
async def test_figures_that_nobody_tells_are_counted_and_marked(usage: dict[str, Any]) -> None:
    async with lab(Script.events(text("a"), text("b"), text("c"), chunk(finish="length", **usage))) as one:
        finished = end_of(await one.write())
        assert finished.reason == "length"
        assert (finished.usage.completion_tokens, finished.usage.prompt_tokens) == (3, 0)
        assert finished.usage.estimated


async def test_a_full_context_is_told_from_a_limit() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 4}
    script = Script.events(text("Hello"), chunk(finish="length", usage=usage))
    for n_ctx, reason in ((16, "context"), (100, "length")):
        async with lab(script, n_ctx=n_ctx) as one:
            assert end_of(await one.write()).reason == reason


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_arrives_apart(name: str) -> None:
    async with lab(Script.events(chunk({name: "Let me"}), chunk({name: " see."}), text("42"), END)) as one:
        events = await one.write()
        assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Let me see."
        assert text_of(events) == "42"


async def test_reasoning_within_the_text_is_found() -> None:
    async with lab(reply("<th", "ink>Let me see.</thi", "nk>\n\n42")) as one:
        events = await one.write()
        assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Let me see."
        assert text_of(events) == "42"


async def test_thinking_in_parts_of_the_content_is_reasoning() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "42"}]
    async with lab(Script.events(chunk({"content": parts}), END)) as one:
        events = await one.write()
        assert events[:-1] == [ReasoningDelta("Hm.", 1), TextDelta("42", 0)]


async def test_probabilities_come_before_their_text() -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": [{"token": "Ho", "logprob": -1}]}
    script = Script.events(chunk({"content": "Hi"}, logprobs=None), END)
    choice = {"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token]}}
    script = Script.events(f"data: {json.dumps({'choices': [choice]})}\n\n".encode(), END)
    async with lab(script) as one:
        events = await one.write(prompt("Hi", sampling=SamplingParams(logprobs=True, top_logprobs=1)))
        scored = events[0]
        assert isinstance(scored, TokenScored)
        assert (scored.chosen.text, scored.chosen.data, scored.chosen.logprob) == ("Hi", b"Hi", -0.5)
        assert [chance.text for chance in scored.top] == ["Ho"]
        assert events[1] == TextDelta("Hi", 1)


async def test_a_whole_answer_in_place_of_a_stream_is_taken() -> None:
    whole = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    async with lab(Script.says(200, whole)) as one:
        events = await one.write()
        assert (text_of(events), end_of(events).usage.prompt_tokens) == ("Hello", 3)


CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rom"}'}}


def calls(*entries: dict[str, Any]) -> bytes:
    return chunk({"tool_calls": list(entries)})


def part(index: int | None = None, told: str = "", name: str = "", arguments: Any = "") -> dict[str, Any]:
    entry: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    return {**entry, **({} if index is None else {"index": index}), **({"id": told} if told else {})}


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([calls(CALL)], [("weather", '{"city": "Rom"}')]),
        (
            [calls(part(0, "c1", "weather")), calls(part(0, arguments='{"ci')), calls(part(0, arguments='ty": 1}'))],
            [("weather", '{"city": 1}')],
        ),
        ([calls(part(0, "a", "weather", "{}"), part(1, "b", "weather", "[]"))], [("weather", "{}"), ("weather", "[]")]),
        (
            [calls(part(0, "a", "weather", "{}")), calls(part(0, "b", "other", "[]"))],
            [("weather", "{}"), ("other", "[]")],
        ),
        ([calls(part(None, "", "weather", '{"a"')), calls(part(None, "", "", ": 1}"))], [("weather", '{"a": 1}')]),
        (
            [calls(part(None, "", "weather", "{}")), calls(part(None, "", "other", "[]"))],
            [("weather", "{}"), ("other", "[]")],
        ),
        ([calls(part(0, "c", "", '{"a"')), calls(part(0, "", "weather", ": 1}"))], [("weather", '{"a": 1}')]),
        ([calls(part(0, "c", "weather", {"city": "Rom"}))], [("weather", '{"city": "Rom"}')]),
        (
            [text('<tool_call>{"name": "weather", "arguments": {"city": "Rom"}}</tool_call>')],
            [("weather", '{"city": "Rom"}')],
        ),
    ],
    ids=[
        "whole",
        "fragments",
        "two",
        "two with one number",
        "no numbers",
        "two without numbers or ids",
        "late name",
        "object",
        "in the text",
    ],
)
async def test_tool_calls_arrive_however_they_are_sent(chunks: list[bytes], expected: list[tuple[str, str]]) -> None:
    async with lab(Script.events(*chunks, END)) as one:
        events = await one.write(prompt("Hi", tools=(TOOL,)))
        deltas = [event for event in events if isinstance(event, ToolCallDelta)]
        found = []
        for number in sorted({delta.index for delta in deltas}):
            of_one = [delta for delta in deltas if delta.index == number]
            assert of_one[0].call_id
            assert of_one[0].name
            found.append((of_one[0].name, "".join(delta.arguments for delta in of_one)))
        assert found == expected
        assert end_of(events).reason == "tool_calls"
        assert one.server.chats[0].body["tools"][0]["function"]["name"] == "weather"


async def test_an_emoji_that_is_cut_in_two_becomes_whole() -> None:
    halves = [
        b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n' % half for half in (b"a\\ud83d", b"\\ude00b\\ud83d")
    ]
    async with lab(Script.events(*halves, END)) as one:
        assert text_of(await one.write()) == "a😀b\ufffd"


STREAM = b"".join(
    [
        b": hello\r\n\r\n",
        chunk({"role": "assistant"}),
        chunk({"reasoning_content": "Hm"}),
        text("<think>no</think>Größe 😀"),
        calls(part(0, "c1", "weather", '{"ci')),
        calls(part(0, "", "", 'ty": 1}')).replace(b"\n", b"\r\n"),
        text("\x1b[31mred\x9b0m"),
        chunk(finish="tool_calls", usage={"prompt_tokens": 3, "completion_tokens": 9}),
        b"data: [DONE]\n\n",
    ]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cutting_of_the_stream_gives_the_same_events(places: list[int]) -> None:
    async def events_of(*pieces: bytes) -> list[EngineEvent]:
        async with lab(Script.events(*filter(None, pieces))) as one:
            *events, finished = await one.write(prompt("Hi", tools=(TOOL,)))
            assert isinstance(finished, Finished)
            assert (finished.reason, finished.usage.completion_tokens) == ("tool_calls", 9)
            return [
                msgspec.structs.replace(event, call_id="") if isinstance(event, ToolCallDelta) else event
                for event in events
            ]

    cuts = sorted(set(places))
    pieces = [STREAM[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    assert asyncio.run(events_of(*pieces)) == asyncio.run(events_of(STREAM))
