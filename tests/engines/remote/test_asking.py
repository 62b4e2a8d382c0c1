"""What a server is asked, and what is left out or asked in other words when it refuses."""

import base64
from pathlib import Path

import pytest

from mistral_tui.types.events import ContextTrimmed
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
from mistral_tui.types.requests import GenerateRequest, Grammar, NamedTool, SamplingParams
from tests.engines.remote.lab import TOOL, lab, prompt, text_of
from tests.stubs.openai_server import Script, reply

pytestmark = pytest.mark.core


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
