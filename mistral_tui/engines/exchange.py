"""The asking end of frames: at the other end one model is loaded, and answers until that end is gone."""

import asyncio
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from mistral_tui.engines import wire
from mistral_tui.processes.frames import WireError, encode
from mistral_tui.types.errors import EngineError, error_named
from mistral_tui.types.events import EngineEvent, Finished, TextDelta
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

Batch = tuple[EngineEvent, ...]
"""Events that came together, oldest first; never empty."""
R = TypeVar("R")


@dataclass
class _Stream:
    """One request on its way: events that its reader has not taken yet."""

    batches: asyncio.Queue[Batch] = field(default_factory=asyncio.Queue)
    tokens: int = 0
    deadline: asyncio.TimerHandle | None = None
    """Set once the request was cancelled: when patience ends."""


class Exchange(ABC):
    """Sends requests and hands out what is answered.

    A subclass moves the bytes. It calls `_handle` with every frame that arrives after the hello; in the end it sets
    `_cause` and calls `_tell_all`.

    Args:
        name: What people call the model.
    """

    cancel_seconds = 2.0
    """How long a cancelled request may take to end before the other end is given up."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.on_use: Callable[[], None] = _nothing
        """Called when `busy` or `alive` has changed; when it becomes busy, before the request is sent."""
        self._was_busy = False
        self._client = f"{os.getpid()}"
        self._streams: dict[str, _Stream] = {}
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._load: tuple[asyncio.Future[LoadedModel], Callable[[LoadProgress], None]] | None = None
        self._stopped_because: str | None = None
        """Why this side ended it."""
        self._cause: str | None = None
        """Why it is over, for people."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """Process id of the other end."""

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._cause is None and self._stopped_because is None

    @property
    def busy(self) -> bool:
        """Whether a request is open."""
        return bool(self._streams or self._answers)

    async def load(
        self, path: str, options: LoadOptions, on_progress: Callable[[LoadProgress], None], *, plain_kernels: bool
    ) -> LoadedModel:
        """Load the model; called once. Cancelling this call stops the load.

        Raises:
            MistralTuiError: Whatever the engine raised, of the same class.
            EngineError: The other end is gone.
        """
        request = uuid.uuid4().hex
        loaded: asyncio.Future[LoadedModel] = asyncio.get_running_loop().create_future()
        self._load = loaded, on_progress
        if self._cause is not None:
            raise self._death_of_a_load()
        self._send(
            wire.Load(
                client=self._client,
                request=request,
                path=path,
                name=self._name,
                options=options,
                plain_kernels=plain_kernels,
            )
        )
        try:
            return await loaded
        except asyncio.CancelledError:
            self._send(wire.Cancel(client=self._client, request=request))
            raise
        finally:
            self._load = None

    async def batches(self, request: GenerateRequest) -> AsyncGenerator[Batch, None]:
        """Write a reply, as `Engine.generate` promises, with the events that came together.

        The other end sends more only when a batch is used up.
        """
        try:
            frame = wire.encode_checked(wire.Generate(client=self._client, request=request.id, prompt=request))
        except WireError as error:
            yield (Finished("failed", Usage(), str(error)),)
            return
        if not self.alive:
            yield (self._death_of(_Stream()),)
            return
        if request.id in self._streams:
            yield (same_id_twice(),)
            return
        stream = _Stream()
        self._streams[request.id] = stream
        self._use_changed()
        self._write(frame)
        try:
            while True:
                batch = await stream.batches.get()
                yield batch
                if isinstance(batch[-1], Finished):
                    return
                self._send(wire.More(client=self._client, request=request.id))
        finally:
            self.cancel(request.id)  # the reader may have gone before the end

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        """Write a reply, as `Engine.generate` promises."""
        async with aclosing(self.batches(request)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def ask(self, query: Query) -> Answer:
        """Answer a query, as `Engine.ask` promises."""
        request = uuid.uuid4().hex
        try:
            frame = wire.encode_checked(wire.Ask(client=self._client, request=request, query=query))
        except WireError as error:
            return Refusal("InvalidRequest", str(error))
        if not self.alive:
            return self._death_of_a_query()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request] = answer
        self._use_changed()
        self._write(frame)
        try:
            return await answer
        except asyncio.CancelledError:
            self._send(wire.Cancel(client=self._client, request=request))
            raise
        finally:
            del self._answers[request]
            self._use_changed()

    def cancel(self, request_id: str) -> None:
        """Stop a request; who does not obey soon is left. An unknown or ended request is ignored."""
        stream = self._streams.get(request_id)
        if stream is None or stream.deadline is not None:
            return
        self._send(wire.Cancel(client=self._client, request=request_id))
        seconds = self.cancel_seconds
        stream.deadline = asyncio.get_running_loop().call_later(
            seconds, self._break_off, f"did not stop within {seconds:g} s of a cancel and was ended"
        )

    def forget(self, chat_id: str) -> None:
        """Release what the KV cache keeps for a chat."""
        self._send(wire.Forget(client=self._client, chat_id=chat_id))

    def set_threads(self, count: int) -> None:
        """Let the model compute with at most so many threads."""
        self._send(wire.Threads(client=self._client, count=count))

    @abstractmethod
    async def close(self) -> None:
        """End it within a second; requests that are still open fail."""

    @abstractmethod
    def _write(self, frame: bytes) -> None:
        """Send bytes without waiting; nothing happens when the other end is gone."""

    @abstractmethod
    def _break_off(self, because: str) -> None:
        """Be done with an other end that does not answer as it should."""

    @abstractmethod
    def _over(self) -> str:
        """Return what became of the other end, while `_cause` is not known yet."""

    @abstractmethod
    def _death_of_a_load(self) -> EngineError:
        """Return what a load fails with when the other end is gone."""

    def _send(self, frame: wire.ToWorker) -> None:
        self._write(encode(frame))

    def _handle(self, frame: wire.FromWorker) -> None:
        match frame:
            case wire.Events():
                self._take(frame)
            case wire.Answered():
                if answer := self._answers.get(frame.request):
                    settle(answer, frame.answer)
            case wire.Loading() if self._load is not None:
                self._load[1](frame.progress)
            case wire.Loaded() if self._load is not None:
                settle(self._load[0], frame.model)
            case wire.LoadFailed() if self._load is not None:
                settle(self._load[0], error_named(frame.error, frame.message))
            case _:
                pass  # the answer to a load that nobody waits for any more

    def _take(self, frame: wire.Events) -> None:
        stream = self._streams.get(frame.request)
        if stream is None:
            return
        stream.tokens += sum(event.tokens for event in frame.events if isinstance(event, TextDelta))
        stream.batches.put_nowait(frame.events)
        if isinstance(frame.events[-1], Finished):
            self._end_stream(frame.request)

    def _end_stream(self, request_id: str) -> None:
        stream = self._streams.pop(request_id)
        if stream.deadline is not None:
            stream.deadline.cancel()
        self._use_changed()

    def _use_changed(self) -> None:
        if self.busy != self._was_busy:
            self._was_busy = self.busy
            self.on_use()

    def _tell_all(self) -> None:
        """The other end is gone: tell everyone who waits for it."""
        for request_id, stream in list(self._streams.items()):
            stream.batches.put_nowait((self._death_of(stream),))
            self._end_stream(request_id)
        for answer in self._answers.values():
            settle(answer, self._death_of_a_query())
        if self._load is not None:
            settle(self._load[0], self._death_of_a_load())
        self.on_use()

    def _death_of(self, stream: _Stream) -> Finished:
        usage = Usage(completion_tokens=stream.tokens)
        if stream.deadline is not None:
            return Finished("cancelled", usage)
        return Finished("failed", usage, f"{self._cause or self._over()}; the next prompt starts it again")

    def _death_of_a_query(self) -> Refusal:
        return Refusal("WorkerDied", f"{self._cause or self._over()}; asking again starts it again")


def same_id_twice() -> Finished:
    """Return the end of a request whose id is that of another one on its way."""
    return Finished("failed", Usage(), "a request with the same id is being answered; give each an id of its own")


def settle(future: "asyncio.Future[R]", result: R | Exception) -> None:
    """Give a future its result or its error, unless it has one or is cancelled."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _nothing() -> None:
    pass
