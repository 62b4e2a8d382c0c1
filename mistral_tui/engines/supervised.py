"""One model of the pool: an engine that outlives its worker processes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

from mistral_tui.engines.preflight import check_content, check_file
from mistral_tui.engines.process import WorkerProcess, worker_command
from mistral_tui.engines.worker_log import WorkerLog
from mistral_tui.types.errors import LoadCancelled, MistralTuiError, NotEnoughMemory, WorkerDied
from mistral_tui.types.events import EngineEvent, Finished
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

OnProgress = Callable[[LoadProgress], None]


class _CrashedOnAnInstruction(WorkerDied):
    """A load died of the fast CPU kernels, or of something that looks like it: worth one try without them."""


class SupervisedEngine:
    """Starts a worker when it is needed, loads the model into it, and does so again after it died.

    Args:
        entry: The model.
        options: How to load it.
        log_folder: Where its workers write their logs.
        loader: `MODULE:FUNCTION` that loads it in the worker.
        make_room: Unloads a model that is not in use; false if there is none.
    """

    def __init__(
        self,
        entry: ModelEntry,
        options: LoadOptions,
        log_folder: Path,
        loader: str,
        make_room: Callable[[], Awaitable[bool]],
    ) -> None:
        self._entry = entry
        self._options = options
        self._log_folder = log_folder
        self._loader = loader
        self._make_room = make_room
        self.last_used = 0.0
        """When it was last asked for, on the event loop's clock."""
        self._model: LoadedModel | None = None
        self._process: WorkerProcess | None = None
        self._loading: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        """Loads that are being stopped: their workers are on their way out."""
        self._listeners: list[OnProgress] = []
        self._progress = LoadProgress("starting", 0.0)
        self._plain_kernels = False
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
        """Process id of the worker, while one runs."""
        return self._process.pid if self._process is not None and self._process.alive else None

    @property
    def idle(self) -> bool:
        """Whether a model is loaded that answers nobody."""
        return self._process is not None and self._process.alive and not self._process.busy

    async def ready(self, on_progress: OnProgress = lambda progress: None) -> None:
        """Return when the model is loaded; several callers share one load, and its progress.

        When the last caller is cancelled, so is the load.

        Raises:
            MistralTuiError: It cannot be loaded.
        """
        self.last_used = asyncio.get_running_loop().time()
        if self._process is not None and self._process.alive:
            on_progress(LoadProgress("ready", 1.0))
            return
        if self._loading is None:
            self._progress = LoadProgress("starting", 0.0)
            self._loading = asyncio.create_task(self._start(), name=f"loading {self._entry.name}")
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
            raise LoadCancelled(f"loading {self._entry.name} was stopped")
        loading.result()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        """Write a reply, as `Engine.generate` promises; starts the worker again if it has died."""
        if self.worker_pid is None:
            async with aclosing(self._restart_for(request)) as progress:
                async for step in progress:
                    yield step
                    if isinstance(step, Finished):
                        return
        assert self._process is not None
        self.last_used = asyncio.get_running_loop().time()
        async with aclosing(self._process.generate(request)) as events:
            async for event in events:
                yield event

    async def ask(self, query: Query) -> Answer:
        """Answer a query, as `Engine.ask` promises; starts the worker again if it has died."""
        try:
            await self.ready()
        except MistralTuiError as error:
            return Refusal.of(error)
        assert self._process is not None
        return await self._process.ask(query)

    async def cancel(self, request_id: str) -> None:
        """Stop a request; see `Engine.cancel`."""
        if waiting := self._waiting.get(request_id):
            self._cancelled.add(request_id)  # it may be too late to cancel the wait itself
            waiting.cancel()
        elif self._process is not None:
            self._process.cancel(request_id)

    async def forget(self, chat_id: str) -> None:
        """Release what is kept in the KV cache for a chat."""
        if self._process is not None and self._process.alive:
            self._process.forget(chat_id)

    async def close(self) -> None:
        """End the worker within a second; the next request starts one again."""
        await self._stop_loading()
        if self._process is not None:
            await self._process.close()

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

    async def _start(self) -> None:
        this_task = asyncio.current_task()
        try:
            check_file(self._entry)
            if self._process is not None:
                await self._process.close()  # a dying one still holds its memory
            try:
                self._process = await self._load()
            except _CrashedOnAnInstruction:
                self._plain_kernels = True
                self._process = await self._load()
        finally:
            if self._loading is this_task:
                self._loading = None

    async def _load(self) -> WorkerProcess:
        """Return a worker with the model in it."""
        log = WorkerLog(self._log_folder, self._entry.name)
        process = await WorkerProcess.start(worker_command(self._loader), self._entry.name, log)
        try:
            await self._check()  # while the worker starts
            self._model = await process.load(
                str(self._entry.path), self._options, self._report, plain_kernels=self._plain_kernels
            )
        except BaseException as error:
            await process.close()
            if process.crashed_on_an_instruction and not self._plain_kernels:
                raise _CrashedOnAnInstruction(str(error)) from error
            raise
        return process

    async def _check(self) -> None:
        while True:
            try:
                return await asyncio.to_thread(check_content, self._entry, self._options)
            except NotEnoughMemory:
                if not await self._make_room():
                    raise

    def _report(self, progress: LoadProgress) -> None:
        self._progress = progress
        for listener in list(self._listeners):
            listener(progress)
