"""A remote engine over a scripted server: what it asks, what the answers become, and what it does when they are bad."""

import asyncio
import base64
import json
import logging
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mistral_tui.engines import queries
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.remote import generation
from mistral_tui.engines.remote.pool import RemoteEngines
from mistral_tui.types.endpoints import RemoteModel
from mistral_tui.types.errors import EndpointError, InvalidRequest
from mistral_tui.types.events import (
    ContextTrimmed,
    EngineEvent,
    Finished,
    ReasoningDelta,
    TextDelta,
    TokenScored,
    ToolCallDelta,
)
from mistral_tui.types.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.models import Adapter, LoadOptions
from mistral_tui.types.requests import GenerateRequest, Grammar, NamedTool, SamplingParams, ToolSpec
from tests.stubs.openai_server import END, HANG, RESET, Script, Server, chunk, reply, serving, text

pytestmark = pytest.mark.core

TOOL = ToolSpec("weather", "Tells it.", {"properties": {"city": {"type": "string"}}})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "WAITS", (0.0, 0.0, 0.0))


@dataclass
class Lab:
    """A server, an engine that asks it, and what the person is told."""

    server: Server
    engine: Engine
    notices: list[str] = field(default_factory=list)

    async def write(self, request: GenerateRequest | None = None) -> list[EngineEvent]:
        async with asyncio.timeout(20):
            return [event async for event in self.engine.generate(request or prompt("Hi"))]

    async def fails(self, request: GenerateRequest | None = None) -> str:
        finished = (await self.write(request))[-1]
        assert isinstance(finished, Finished)
        assert finished.reason == "failed"
        assert finished.error is not None
        assert "\n" not in finished.error
        return finished.error


@asynccontextmanager
async def lab(
    *scripts: Script, model: str = "m", models: Script | None = None, **values: Any
) -> AsyncGenerator[Lab, None]:
    async with serving(*scripts) as server:
        server.models = models or server.models
        notices: list[str] = []
        engines = RemoteEngines(notices.append)
        remote = RemoteModel(server.endpoint(**values), model)
        try:
            yield Lab(server, await engines.acquire("lab/m", remote, LoadOptions()), notices)
        finally:
            await engines.close()


def prompt(*texts: str, **values: Any) -> GenerateRequest:
    messages = [Message("user" if turn % 2 == 0 else "assistant", (TextPart(each),)) for turn, each in enumerate(texts)]
    return GenerateRequest(**{"messages": tuple(messages), **values})


def text_of(events: Sequence[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def end_of(events: Sequence[EngineEvent]) -> Finished:
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert sum(isinstance(event, Finished) for event in events) == 1
    return finished


# Good replies


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
    async def events_of(*pieces: bytes) -> tuple[list[EngineEvent], Any]:
        async with lab(Script.events(*(piece for piece in pieces if piece))) as one:
            *events, finished = await one.write(prompt("Hi", tools=(TOOL,)))
            assert isinstance(finished, Finished)
            return [e if not isinstance(e, ToolCallDelta) else (e.index, e.name, e.arguments) for e in events], (  # type: ignore[misc]  # ids are drawn
                finished.reason,
                finished.usage.completion_tokens,
            )

    cuts = sorted(set(places))
    pieces = [STREAM[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    assert asyncio.run(events_of(*pieces)) == asyncio.run(events_of(STREAM))


# What is asked


async def test_only_what_was_set_is_sent() -> None:
    async with lab() as one:
        await one.write()
        assert one.server.chats[0].body == {
            "model": "m",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        sampling = SamplingParams(
            temperature=0.5,
            top_k=3,
            min_p=0.1,
            seed=7,
            max_tokens=9,
            stop=("END",),
            repetition_penalty=1.1,
            logit_bias={5: -1},
        )
        await one.write(prompt("Hi", sampling=sampling, enable_thinking=False))
        body = one.server.chats[1].body
        assert (body["temperature"], body["top_k"], body["min_p"], body["seed"]) == (0.5, 3, 0.1, 7)
        assert (body["max_tokens"], body["stop"], body["logit_bias"]) == (9, ["END"], {"5": -1})
        assert body["repetition_penalty"] == body["repeat_penalty"] == 1.1
        assert body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_messages_travel_whole(tmp_path: Path) -> None:
    picture, sound = tmp_path / "a.png", tmp_path / "a.wav"
    picture.write_bytes(b"picture")
    sound.write_bytes(b"sound")
    user: tuple[Part, ...] = (
        FilePart("notes.txt", "a note"),
        ImagePart(str(picture), "image/png"),
        AudioPart(str(sound), "audio/wav"),
        TextPart("What?"),
    )
    messages = (
        Message("system", (TextPart("Be kind."),)),
        Message("user", user),
        Message("assistant", (ReasoningPart("Hm."), TextPart("Let me ask."), ToolCallPart("c1", "weather", "{}"))),
        Message("tool", (ToolResultPart("c1", "rain", failed=True),)),
        Message("assistant", (TextPart("It rains."),)),
        Message("user", (TextPart("Thanks."),)),
    )
    async with lab() as one:
        await one.write(GenerateRequest(messages, tools=(TOOL,), tool_choice=NamedTool("weather")))
        body = one.server.chats[0].body
        system, asked, called, result, *_ = body["messages"]
        assert system == {"role": "system", "content": "Be kind."}
        note, image, audio, words = asked["content"]
        assert "a note" in note["text"]
        assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(b"picture").decode()
        assert audio["input_audio"] == {"data": base64.b64encode(b"sound").decode(), "format": "wav"}
        assert words == {"type": "text", "text": "What?"}
        assert called["content"] == "Let me ask."
        assert called["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
        assert result == {"role": "tool", "tool_call_id": "c1", "content": "error: rain"}
        assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


async def test_a_picture_that_is_gone_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    async with lab() as one:
        message = Message("user", (ImagePart(str(tmp_path / "gone.png"), "image/png"),))
        assert "gone.png cannot be read" in await one.fails(GenerateRequest((message,)))
        assert one.server.chats == []


async def test_what_a_server_refuses_is_left_out_and_told_once() -> None:
    refusals = [
        Script.says(400, {"error": {"message": "Unrecognized request argument supplied: top_k"}}),
        Script.says(422, {"detail": [{"loc": ["body", "min_p"], "msg": "Extra inputs are not permitted"}]}),
    ]
    async with lab(*refusals, reply("Hello")) as one:
        request = prompt("Hi", sampling=SamplingParams(top_k=3, min_p=0.1, temperature=0.5))
        assert text_of(await one.write(request)) == "Hello"
        assert text_of(await one.write(prompt("Hi", sampling=request.sampling))) == "Hello"
        assert len(one.server.chats) == 4
        assert "top_k" not in one.server.chats[3].body
        assert one.server.chats[3].body["temperature"] == 0.5
        assert one.notices == [
            "lab: top_k is left out: the endpoint does not take it",
            "lab: min_p is left out: the endpoint does not take it",
        ]


async def test_a_value_that_is_out_of_range_is_not_left_out() -> None:
    refusal = Script.says(400, {"error": {"message": "temperature must be between 0 and 1"}})
    async with lab(refusal, reply("Hello")) as one:
        error = await one.fails(prompt("Hi", sampling=SamplingParams(temperature=1.5)))
        assert "400 Bad Request: temperature must be between 0 and 1" in error


async def test_newer_servers_are_asked_in_their_words() -> None:
    words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    async with lab(Script.says(400, {"error": {"message": words}}), reply("Hello")) as one:
        await one.write(prompt("Hi", sampling=SamplingParams(max_tokens=9)))
        body = one.server.chats[1].body
        assert (body.get("max_tokens"), body["max_completion_tokens"]) == (None, 9)
        assert one.notices == []


async def test_a_schema_is_asked_for_in_another_way_where_the_first_is_refused() -> None:
    grammar = Grammar("json_schema", '{"type": "object"}')
    async with lab(Script.says(422, {"detail": "response_format.type: input should be 'text'"}), reply("{}")) as one:
        assert text_of(await one.write(prompt("Hi", grammar=grammar))) == "{}"
        first, second = (asked.body["response_format"] for asked in one.server.chats)
        assert first["json_schema"]["schema"] == {"type": "object"}
        assert second == {"type": "json_object", "schema": {"type": "object"}}


async def test_a_grammar_that_cannot_be_asked_for_is_never_left_out() -> None:
    async with lab() as one:
        assert "not known to take a grammar of the kind regex" in await one.fails(
            prompt("Hi", grammar=Grammar("regex", "a+"))
        )
        assert one.server.chats == []


async def test_a_reply_is_gone_on_with_where_the_server_is_known_to() -> None:
    request = prompt("Count.", "1, 2", continues=True)
    async with lab() as one:
        assert "is not known to go on with a reply" in await one.fails(request)
    vllm = Script.says(200, {"data": [{"id": "m", "owned_by": "vllm"}]})
    async with lab(models=vllm) as one:
        await one.write(request)
        body = one.server.chats[0].body
        assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
        assert body["messages"][-1] == {"role": "assistant", "content": "1, 2"}


async def test_when_the_context_is_full_the_oldest_turns_are_left_out() -> None:
    full = Script.says(400, {"error": {"message": "This model's maximum context length is 8 tokens"}})
    async with lab(full, full, reply("Hello")) as one:
        events = await one.write(prompt("1", "2", "3", "4", "5", "6", "7"))
        assert events[0] == ContextTrimmed(6)
        assert [asked["content"] for asked in one.server.chats[2].body["messages"]] == ["7"]
        assert text_of(events) == "Hello"
    async with lab(full, reply("Hello")) as one:
        assert "maximum context length" in await one.fails(prompt("1", "2", "3", context_policy="stop"))


# Bad servers

LONG = b"data: " + b"x" * (9 * 1024 * 1024)

BAD_REPLIES: dict[str, tuple[Script, str]] = {
    "wrong key": (Script.says(401, {"error": {"message": "Incorrect API key"}}), "401 Unauthorized: Incorrect API key"),
    "no such model": (Script.says(404, {"error": "model 'm' not found"}), "404 Not Found: model 'm' not found"),
    "no such path": (Script.says(404, {"detail": "Not Found"}), "404 Not Found: Not Found; look at the url"),
    "too often": (Script.says(429, {"error": {"message": "slow down"}}), "429 Too Many Requests: slow down"),
    "broken": (Script.says(500, "oops"), "500 Internal Server Error: oops; look at the server's log"),
    "a web page as an error": (
        Script.says(502, "<html><head><title>Bad\ngateway</title></head>"),
        "502 Bad Gateway: a web page titled Bad gateway",
    ),
    "a web page": (Script.says(200, "<!doctype html><title>Welcome</title>"), "a web page titled Welcome"),
    "an error in place of a reply": (Script.says(200, {"error": {"message": "no GPU"}}), "failed: no GPU"),
    "nothing": (Script.events(), "ended without a word"),
    "only the end": (Script.events(b"data: [DONE]\n\n"), "no answer of OpenAI's API"),
    "an end without a beginning": (Script.events(chunk({"role": "assistant"}), b"data: [DONE]\n\n"), "before it began"),
    "garbage": (Script.events(b"\0\xff garbage\n\nmore\n\n"), "no answer of OpenAI's API"),
    "no JSON": (Script.events(text("Hi"), b"data: {oops}\n\n"), "no JSON: {oops};"),
    "half a line": (Script.events(text("Hi"), b'data: {"choices": [{"del'), "no JSON"),
    "a list": (Script.events(b"data: [1]\n\n"), "no chunk of a reply: [1]"),
    "an error in the middle": (
        Script.events(text("Hi"), b'data: {"error": {"message": "out of\\nmemory \\u001b[31m"}}\n\n'),
        "failed: out of memory",
    ),
    "an error as a bare line": (Script.events(text("Hi"), b'{"error": "gone"}\n'), "failed: gone"),
    "filtered": (Script.events(text("Hi"), chunk(finish="content_filter")), "content_filter"),
    "an endless line": (Script.events(text("Hi"), LONG), "an event that is too long"),
    "broken off": (Script.events(text("Hi"), RESET), "broke"),
    "ended early": (Script.events(text("Hi")), "broke off before the end"),
    "a redirect": (
        Script.says(302, {}, "Location: https://evil.example/v1/chat/completions"),
        "302 Found: it is elsewhere, at https://evil.example/v1/chat/completions; redirects are not followed",
    ),
    "no HTTP": (Script.raw(b"220 ftp.example.org ready\r\nConnection: close\r\n\r\n"), "broke the connection off"),
    "reset at once": (Script.raw(RESET), "broke the connection off"),
    "silence": (Script.raw(HANG), "said nothing for 0.3 s"),
    "silence in the middle": (Script.events(text("Hi"), HANG), "said nothing for 0.2 s"),
    "escape sequences": (Script.says(400, {"error": "\x1b]0;evil\x07bad\x9b31m thing"}), "400 Bad Request: bad thing"),
}


@pytest.mark.parametrize(("script", "words"), BAD_REPLIES.values(), ids=BAD_REPLIES)
async def test_a_bad_reply_is_an_error_in_one_line(script: Script, words: str) -> None:
    async with lab(script, first_byte_seconds=0.3, idle_seconds=0.2) as one:
        error = await one.fails()
        assert words in error
        assert error.startswith(f"lab (http://127.0.0.1:{one.server.port}/v1) ")
        assert error.isprintable()
        assert ";" in error


@pytest.mark.parametrize(
    "script",
    [
        Script.events(text("Hel"), b": keep-alive\n\n", text("lo"), chunk(finish="stop")),
        Script.events(text("Hel"), text("lo"), b"data: [DONE]\n\n", HANG),
        Script.events(text("Hel").replace(b"\n", b"\r\n"), text("lo").replace(b"\n", b"\r"), END),
        Script.events(text("Hel"), text("lo"), END, kind="text/plain"),
        Script.events(
            b'data: {"choices": null}\n\n', b"data: {}\n\n", text("Hel"), chunk({"content": None}), text("lo"), END
        ),
        Script.events(b'data: {"choices": [{"delta": {"content": 5}}]}\n\n', text("Hello"), END),
    ],
    ids=["no DONE", "open after DONE", "line ends", "wrong type", "empty chunks", "wrong types"],
)
async def test_what_is_only_odd_is_borne_with(script: Script) -> None:
    async with lab(script, idle_seconds=5.0) as one:
        events = await one.write()
        assert (text_of(events), end_of(events).reason) == ("Hello", "stop")


async def test_what_was_said_before_a_failure_stays() -> None:
    async with lab(Script.events(text("Hel"), text("lo"), RESET)) as one:
        events = await one.write()
        assert text_of(events) == "Hello"
        assert end_of(events).usage.completion_tokens == 2


@pytest.mark.parametrize(
    "first",
    [
        Script.says(503, {"error": "loading"}),
        Script.says(429, {"error": "busy"}, "Retry-After: 0"),
        Script.raw(RESET),
        Script.events(RESET),
        Script.events(chunk({"role": "assistant"})),
    ],
    ids=["loading", "busy", "reset", "reset after the head", "ended before the first token"],
)
async def test_before_the_first_token_it_is_tried_again(first: Script) -> None:
    async with lab(first, first, reply("Hello")) as one:
        assert text_of(await one.write()) == "Hello"
        assert len(one.server.chats) == 3


async def test_it_is_not_tried_for_ever_nor_after_the_first_token() -> None:
    async with lab(Script.says(503, {"error": "loading"})) as one:
        await one.fails()
        assert len(one.server.chats) == 4
    async with lab(Script.events(text("Hi"), RESET)) as one:
        await one.fails()
        assert len(one.server.chats) == 1


async def test_a_server_that_wants_to_be_left_alone_for_long_is_not_waited_for() -> None:
    async with lab(Script.says(429, {"error": "busy"}, "Retry-After: 3600")) as one:
        assert "it says in 3600 s" in await one.fails()
        assert len(one.server.chats) == 1


async def test_a_wait_that_is_worth_telling_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "WORTH_TELLING", 0.0)
    busy = Script.says(429, {"error": "busy"}, "Retry-After: Mon, 01 Jan 2024 00:00:00 GMT")
    async with lab(busy, reply("Hello")) as one:
        assert text_of(await one.write()) == "Hello"
        (notice,) = one.notices
        assert "429 Too Many Requests: busy" in notice
        assert notice.endswith("; trying again in 0 s")


# Cancelling


@pytest.mark.parametrize(
    "script",
    [Script.raw(HANG), Script.events(HANG), Script.events(text("Hi"), HANG), Script.events(*[text("more ")] * 100_000)],
    ids=["before the head", "before the text", "in the middle", "an endless reply"],
)
async def test_a_cancel_ends_the_reply_and_the_connection(script: Script) -> None:
    async with lab(script) as one:
        request = prompt("Hi")
        stream = one.engine.generate(request)
        reading = asyncio.create_task(_all(stream))
        await until(lambda: one.server.chats)
        await one.engine.cancel(request.id)
        events = await reading
        assert end_of(events).reason == "cancelled"
        await until(lambda: one.server.gone)


async def test_who_stops_reading_closes_the_connection() -> None:
    async with lab(Script.events(text("Hi"), HANG)) as one:
        stream = one.engine.generate(prompt("Hi"))
        assert await anext(stream) == TextDelta("Hi", 1)
        await stream.aclose()
        await until(lambda: one.server.gone)


async def test_one_id_twice_is_refused() -> None:
    async with lab(Script.events(text("Hi"), HANG)) as one:
        request = prompt("Hi")
        stream = one.engine.generate(request)
        await anext(stream)
        assert "same id" in await one.fails(request)
        await stream.aclose()


async def _all(stream: AsyncGenerator[EngineEvent, None]) -> list[EngineEvent]:
    return [event async for event in stream]


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


# Keys

KEY = "sk-very-secret-0123456789"


async def test_the_key_is_sent_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    said = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    async with lab(Script.says(401, said), api_key_env="LAB_KEY") as one:
        error = await one.fails()
        assert one.server.chats[0].headers["authorization"] == f"Bearer {KEY}"
        assert "Incorrect API key provided: ***; look at its key in $LAB_KEY" in error
    assert KEY not in caplog.text
    async with lab(Script.events(f'data: {{"error": "no {KEY}"}}\n\n'.encode()), api_key_env="LAB_KEY") as one:
        assert KEY not in await one.fails()


async def test_a_quotation_is_not_cut_within_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    for length in (80, 290, 300):
        garbage = f"data: {'x' * length}{KEY}\n\n".encode()
        async with lab(Script.events(garbage), api_key_env="LAB_KEY") as one:
            assert KEY[:10] not in await one.fails()


async def test_a_header_is_sent_and_never_shown() -> None:
    async with lab(Script.says(400, {"error": f"no {KEY}"}), headers={"x-token": f"Token {KEY}"}) as one:
        assert KEY not in await one.fails()
        assert one.server.chats[0].headers["x-token"] == f"Token {KEY}"


async def test_the_key_comes_from_the_keyring_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("mistral-tui", "lab"): KEY}
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, name: kept.get((service, name))  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    async with lab(keyring=True) as one:
        await one.write()
        assert one.server.chats[0].headers["authorization"] == f"Bearer {KEY}"
    kept.clear()
    with pytest.raises(EndpointError, match=r"is not in the keyring \(keyring set mistral-tui lab\)"):
        async with lab(keyring=True):
            pass


async def test_a_key_that_is_not_there_is_an_error_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EndpointError, match="is not in the variable LAB_KEY; put it there"):
        async with lab(api_key_env="LAB_KEY"):
            pass
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(EndpointError, match="what reads that is not installed"):
        async with lab(keyring=True):
            pass


async def test_a_redirect_takes_the_key_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    async with serving() as other:
        elsewhere = f"Location: http://127.0.0.1:{other.port}/v1/chat/completions"
        async with lab(Script.says(307, {}, elsewhere), api_key_env="LAB_KEY") as one:
            assert "redirects are not followed" in await one.fails()
        assert other.asked == []


# Finding the model


async def test_the_only_model_need_not_be_named() -> None:
    async with lab(model="") as one:
        assert one.engine.model.name == "lab/m/m"
        await one.write()
        assert one.server.chats[0].body["model"] == "m"


async def test_several_models_want_a_name() -> None:
    async with serving() as server:
        server.models = Script.says(200, {"data": [{"id": "a"}, {"id": "b"}, {"id": 5}, None]})
        engines = RemoteEngines(lambda notice: None)
        with pytest.raises(EndpointError, match="has several models; name one as in lab/NAME: a, b"):
            await engines.acquire("lab", RemoteModel(server.endpoint()), LoadOptions())
        server.models = Script.says(200, {"data": [{"id": "a", "max_model_len": 4096}]})
        engine = await engines.acquire("lab/a", RemoteModel(server.endpoint(), "a"), LoadOptions())
        assert engine.model.n_ctx == 4096
        server.models = Script.says(404, {})
        with pytest.raises(EndpointError, match="lists no models; name one: -m lab/MODEL"):
            await engines.acquire("lab", RemoteModel(server.endpoint()), LoadOptions())
        await engines.acquire("lab/x", RemoteModel(server.endpoint(), "x"), LoadOptions())
        await engines.close()


async def test_a_server_that_still_loads_is_waited_for_with_the_prompt() -> None:
    loading = Script.says(503, {"error": "loading model"})
    async with lab(loading, reply("Hello"), models=loading) as one:
        assert one.engine.model.name == "lab/m"
        assert text_of(await one.write()) == "Hello"
    with pytest.raises(EndpointError, match="503 Service Unavailable: loading model"):
        async with lab(models=loading, model=""):
            pass


async def test_nobody_there_is_an_error_in_one_line() -> None:
    async with serving() as server:
        endpoint = server.endpoint()
    engines = RemoteEngines(lambda notice: None)
    with pytest.raises(EndpointError, match="cannot be reached: connection refused; start it"):
        await engines.acquire("lab", RemoteModel(endpoint), LoadOptions())
    await engines.close()


async def test_loras_are_the_servers_business() -> None:
    async with serving() as server:
        engines = RemoteEngines(lambda notice: None)
        with pytest.raises(InvalidRequest, match="leave --lora out"):
            await engines.acquire("lab", RemoteModel(server.endpoint()), LoadOptions(adapters=(Adapter("/a.gguf"),)))
        await engines.close()


# Queries


async def test_vectors_come_in_order_and_of_length_one() -> None:
    data = [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]
    async with lab(Script.says(200, {"data": data, "usage": {"total_tokens": 5}})) as one:
        found = await queries.embed(one.engine, ["a", "b"])
        assert found.vectors == ((0.6, 0.8), (0.0, 1.0))
        assert found.tokens == 5


async def test_scores_come_in_the_order_of_the_documents() -> None:
    results = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
    async with lab(Script.says(404, {}), Script.says(200, {"results": results})) as one:
        assert (await queries.rerank(one.engine, "q", ["a", "b"])).scores == (0.1, 0.9)
        assert [asked.path for asked in one.server.asked[1:]] == ["/v1/rerank", "/rerank"]


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ({"tokens": [{"id": 1, "piece": "a"}, {"id": 2, "piece": [255]}]}, ("a", "\ufffd")),
        ({"tokens": [1, 2], "token_strs": ["a", "b"]}, ("a", "b")),
        ({"tokens": [1, 2]}, ("", "")),
    ],
    ids=["llama-server", "vLLM", "llama-cpp-python"],
)
async def test_tokens_are_told_by_servers_that_can(answer: dict[str, Any], names: tuple[str, ...]) -> None:
    async with lab(Script.says(200, answer)) as one:
        found = await queries.tokenize(one.engine, "ab")
        assert (found.tokens, found.names) == ((1, 2), names)


async def test_what_is_not_sent_yet_is_not_sent_to_be_counted() -> None:
    async with lab() as one:
        with pytest.raises(InvalidRequest, match="is not asked to count prompts"):
            await queries.count_tokens(one.engine, prompt("Hi"))
        assert len(one.server.asked) == 1


async def test_what_an_endpoint_cannot_answer_is_refused() -> None:
    async with lab(Script.says(404, {"detail": "Not Found"})) as one:
        with pytest.raises(InvalidRequest, match="cannot tokenize"):
            await queries.tokenize(one.engine, "ab")
        with pytest.raises(InvalidRequest, match="cannot make vectors"):
            await queries.embed(one.engine, ["ab"])
    async with lab(Script.says(200, {"data": []})) as one:
        with pytest.raises(EndpointError, match="without the vectors"):
            await queries.embed(one.engine, ["ab"])
