"""Servers that err, speak nonsense, break off or fall silent: one line of error, and tries that end."""

import pytest

from mistral_tui.engines.remote import generation
from tests.engines.remote.lab import end_of, lab, text_of
from tests.stubs.openai_server import END, HANG, RESET, Script, chunk, reply, text

pytestmark = pytest.mark.core


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
