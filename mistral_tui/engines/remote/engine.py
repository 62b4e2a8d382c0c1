"""A model behind an endpoint, as an engine."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from mistral_tui.engines.exchange import same_id_twice
from mistral_tui.engines.remote.client import Client
from mistral_tui.engines.remote.dialect import Dialect
from mistral_tui.engines.remote.generation import Generation
from mistral_tui.engines.remote.queries import answer_to
from mistral_tui.engines.remote.served import ServedModel
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.events import EngineEvent, Finished
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

_UNREAD: Final = 64
"""Events that may wait for a reader before the server has to."""
_log = logging.getLogger(__name__)


class RemoteEngine:
    """Asks an endpoint for replies, several at a time.

    Args:
        client: Of the endpoint.
        served: The model.
        loaded: What is known of it.
        tell: Told what the person should know.
    """

    def __init__(self, client: Client, served: ServedModel, loaded: LoadedModel, tell: Callable[[str], None]) -> None:
        self._client = client
        self._served = served
        self._loaded = loaded
        self._tell = tell
        self._dialect = Dialect(lambda notice: tell(f"{client.endpoint.name}: {notice}"))
        self._writing: dict[str, asyncio.Task[None]] = {}

    @property
    def model(self) -> LoadedModel:
        """What is known of the model."""
        return self._loaded

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        """Write a reply, as `Engine.generate` promises."""
        if request.id in self._writing:
            yield same_id_twice()
            return
        generation = Generation(
            self._client,
            self._served.name,
            self._served.owner,
            self._loaded.n_ctx,
            self._dialect,
            request,
            self._tell,
        )
        events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        room = asyncio.Semaphore(_UNREAD)
        # A task of its own, so that a cancel takes effect wherever it waits; that closes the connection.
        task = asyncio.create_task(_write(generation, events, room))
        self._writing[request.id] = task
        try:
            while True:
                event = await events.get()
                room.release()
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            del self._writing[request.id]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def cancel(self, request_id: str) -> None:
        """Stop a request; see `Engine.cancel`."""
        if task := self._writing.get(request_id):
            task.cancel()

    async def ask(self, query: Query) -> Answer:
        """Answer a query, where the endpoint can; see `Engine.ask`."""
        try:
            return await answer_to(query, self._client, self._served.name)
        except MistralTuiError as error:
            return Refusal.of(error)

    async def forget(self, chat_id: str) -> None:
        """Do nothing: what the server keeps is its own business."""

    async def close(self) -> None:
        """End all requests."""
        for task in self._writing.values():
            task.cancel()


async def _write(generation: Generation, events: asyncio.Queue[EngineEvent], room: asyncio.Semaphore) -> None:
    """Put a reply into `events`; whatever happens, the last one is `Finished`."""
    try:
        async with aclosing(generation.events()) as written:
            async for event in written:
                await room.acquire()
                events.put_nowait(event)
        finished = generation.finished()
    except asyncio.CancelledError:
        finished = generation.finished("cancelled")
    except MistralTuiError as error:
        finished = generation.finished("failed", str(error))
    except Exception as error:
        _log.exception("a reply of an endpoint failed")
        finished = generation.finished("failed", f"the endpoint's reply failed unexpectedly: {type(error).__name__}")
    events.put_nowait(finished)
