"""A remote engine over a scripted server, and what its replies say."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.remote.pool import RemoteEngines
from mistral_tui.types.endpoints import RemoteModel
from mistral_tui.types.events import EngineEvent, Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest, ToolSpec
from tests.stubs.openai_server import Script, Server, serving

TOOL = ToolSpec("weather", "Tells it.", {"properties": {"city": {"type": "string"}}})


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
