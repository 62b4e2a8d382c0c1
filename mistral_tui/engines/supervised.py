"""An engine that outlives what answers for it: a worker process, or a host that has one."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import partial

from mistral_tui.engines.exchange import Batch, Exchange, same_id_twice
from mistral_tui.types.errors import LoadCancelled, MistralTuiError
from mistral_tui.types.events import EngineEvent, Finished
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel, LoadProgress
from mistral_tui.types.pool import ModelState
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

OnProgress = Callable[[LoadProgress], None]
Start = Callable[[OnProgress], Awaitable[tuple[Exchange, LoadedModel]]]
"""Gets something that answers, with the model loaded; raises a `MistralTuiError` if it cannot."""


class SupervisedEngine:
    """Gets what answers when it is needed, and does so again after it died.

    Args:
        name: What people call the model.
        start: Gets it.
        on_change: Called when `state` may have changed; when it begins to answer, before the request is sent.
    """

    def __init__(self, name: str, start: Start, on_change: Callable[[], None] = lambda: None) -> None:
        self._name = name
        self._start = start
        self._on_change = on_change
        self.last_used = 0.0
        """When it was last asked for, or last answered, on the event loop's clock."""
        self.answered = False
        """Whether it was asked anything since it was loaded."""
        self._open = 0
        """Requests that somebody waits for."""
        self._model: LoadedModel | None = None
        self._exchange: Exchange | None = None
        self._loading: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        """Loads that are being stopped: their workers are on their way out."""
        self._listeners: list[OnProgress] = []
        self._progress = LoadProgress("starting", 0.0)
        self._waiting: dict[str, asyncio.Task[None]] = {}
        """The requests that wait for a worker."""
        self._cancelled: set[str] = set()
        """Those among them that are not wanted any more."""

    @property
    def model(self) -> LoadedModel:
        """What is loaded, or was before the worker died."""
        assert self._model is not None, "asked before it was ready"
        return self._model

    @property
    def worker_pid(self) -> int | None:
        """Process id of what answers, while there is something."""
        return self._exchange.pid if self._exchange is not None and self._exchange.alive else None

    @property
    def state(self) -> ModelState | None:
        """What it is doing; `None`: it is not loaded."""
        if self._loading is not None:
            return "loading"
        if self._exchange is None or not self._exchange.alive:
            return None
        return "answering" if self._open or self._exchange.busy else "idle"

    async def ready(self, on_progress: OnProgress = lambda progress: None) -> None:
        """Return when the model is loaded; several callers share one load, and its progress.

        When the last caller is cancelled, so is the load.

        Raises:
            MistralTuiError: It cannot be loaded.
        """
        self.last_used = asyncio.get_running_loop().time()
        if self._exchange is not None and self._exchange.alive:
            on_progress(LoadProgress("ready", 1.0))
            return
        if self._loading is None:
            self._progress = LoadProgress("starting", 0.0)
            self._loading = asyncio.create_task(self._start_again(), name=f"loading {self._name}")
            self._on_change()
        loading = self._loading
        listener = partial(on_progress)  # the same function may listen twice
        self._listeners.append(listener)
        listener(self._progress)
        try:
            await asyncio.wait({loading})
        finally:
            self._listeners.remove(listener)
            if not loading.done() and not self._listeners:
                await self._stop_loading()
        if loading.cancelled():
            raise LoadCancelled(f"loading {self._name} was stopped")
        loading.result()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        """Write a reply, as `Engine.generate` promises; starts again what answers if it has died."""
        async with aclosing(self.batches(request)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(self, request: GenerateRequest) -> AsyncGenerator[Batch, None]:
        """Do what `generate` does, and yield events that came together as one."""
        with self._opened():
            if request.id in self._waiting:
                yield (same_id_twice(),)
                return
            if self.worker_pid is None:
                async with aclosing(self._restart_for(request)) as progress:
                    async for step in progress:
                        yield (step,)
                        if isinstance(step, Finished):
                            return
            assert self._exchange is not None
            async with aclosing(self._exchange.batches(request)) as batches:
                async for batch in batches:
                    yield batch

    async def ask(self, query: Query) -> Answer:
        """Answer a query, as `Engine.ask` promises; starts the worker again if it has died."""
        with self._opened():
            try:
                await self.ready()
            except MistralTuiError as error:
                return Refusal.of(error)
            assert self._exchange is not None
            return await self._exchange.ask(query)

    async def cancel(self, request_id: str) -> None:
        """Stop a request; see `Engine.cancel`."""
        if waiting := self._waiting.get(request_id):
            self._cancelled.add(request_id)  # it may be too late to cancel the wait itself
            waiting.cancel()
        elif self._exchange is not None:
            self._exchange.cancel(request_id)

    async def forget(self, chat_id: str) -> None:
        """Release what is kept in the KV cache for a chat."""
        if self._exchange is not None and self._exchange.alive:
            self._exchange.forget(chat_id)

    def set_threads(self, count: int) -> None:
        """Let the model compute with at most so many threads."""
        if self._exchange is not None and self._exchange.alive:
            self._exchange.set_threads(count)

    async def close(self) -> None:
        """End the worker within a second; the next request starts one again."""
        await self._stop_loading()
        if self._exchange is not None:
            await self._exchange.close()

    async def _restart_for(self, request: GenerateRequest) -> AsyncGenerator[LoadProgress | Finished, None]:
        """Get a worker ready for `request`; the last event is `Finished` if that fails."""
        heard: asyncio.Queue[LoadProgress | None] = asyncio.Queue()
        waiting = self._waiting[request.id] = asyncio.create_task(self.ready(heard.put_nowait))
        waiting.add_done_callback(lambda task: heard.put_nowait(None))
        try:
            while progress := await heard.get():
                yield progress
        finally:
            del self._waiting[request.id]
            waiting.cancel()
            cancelled = request.id in self._cancelled
            self._cancelled.discard(request.id)
        if cancelled:
            yield Finished("cancelled", Usage())
        elif error := waiting.exception():
            if not isinstance(error, MistralTuiError):
                raise error
            yield Finished("failed", Usage(), str(error))

    async def _stop_loading(self) -> None:
        loading, self._loading = self._loading, None
        if loading is not None and not loading.done():
            self._stopping.add(loading)
            loading.add_done_callback(self._stopping.discard)
            loading.cancel()
        if self._stopping:
            await asyncio.wait(self._stopping)

    async def _start_again(self) -> None:
        this_task = asyncio.current_task()
        try:
            if self._exchange is not None:
                await self._exchange.close()  # a dying one still holds its memory
            self._exchange, self._model = await self._start(self._report)
            self._exchange.on_use = self._used
            self.answered = self._open > 0
        finally:
            if self._loading is this_task:
                self._loading = None
            self._used()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Count a request as open, from before the model is loaded for it."""
        self._open += 1
        self.answered = True
        self._used()
        try:
            yield
        finally:
            self._open -= 1
            self._used()

    def _used(self) -> None:
        self.last_used = asyncio.get_running_loop().time()
        self._on_change()

    def _report(self, progress: LoadProgress) -> None:
        self._progress = progress
        for listener in list(self._listeners):
            listener(progress)
