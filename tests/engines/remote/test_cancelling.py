"""A reply that nobody wants any more ends, and so does its connection."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mistral_tui.types.events import EngineEvent, TextDelta
from tests.engines.remote.lab import end_of, lab, prompt
from tests.stubs.openai_server import HANG, Script, text
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


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
