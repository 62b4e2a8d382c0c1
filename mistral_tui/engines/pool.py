"""Which models are loaded: one worker process each, started when asked for, and ended when memory is short, when others
are to be loaded, or when nobody has asked for long.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mistral_tui.config.quantities import duration_words
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.preflight import Taken, check_content
from mistral_tui.engines.starting import WorkerStart
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.engines.thread_budget import divide
from mistral_tui.types.errors import EngineError, ModelNotFound, NotEnoughMemory
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry, ModelFormat
from mistral_tui.types.pool import FOREVER, HeldModel, PoolLimits

GGUF_LOADER = "mistral_tui.engines.gguf.loading:load"
FIRST_PROMPT = 60.0
"""Seconds that a model which was just loaded is kept for its first prompt, however short `keep_alive` is."""

Key = tuple[Path, ModelFormat, LoadOptions]


@dataclass
class _Place:
    """One model with its options, loaded or not."""

    entry: ModelEntry
    options: LoadOptions
    engine: SupervisedEngine = field(init=False)
    start: WorkerStart = field(init=False)
    admitted: bool = False
    """Whether it was given room, now or for its last load."""
    memory: int = 0
    """Bytes that it was estimated to take."""
    threads: int | None = None
    """What its worker was told; `None`: nothing, it may use all."""

    @property
    def held(self) -> bool:
        return self.engine.state is not None

    @property
    def idle(self) -> bool:
        return self.engine.state == "idle"


class EnginePool:
    """The loaded models.

    Args:
        log_folder: Where workers write their logs.
        loader: `MODULE:FUNCTION` that loads a model in its worker; see `mistral_tui.engines.worker.main`.
        limits: What may stay loaded, and how long.
    """

    def __init__(self, log_folder: Path, loader: str = GGUF_LOADER, limits: PoolLimits | None = None) -> None:
        self._log_folder = log_folder
        self._loader = loader
        self._limits = limits or PoolLimits()
        self._places: dict[Key, _Place] = {}
        self._admission = asyncio.Lock()
        self._expiry: asyncio.TimerHandle | None = None
        self._unloading: set[asyncio.Task[None]] = set()
        self._watchers: list[Callable[[SupervisedEngine, str], None]] = []
        self.on_change: Callable[[], None] = _nothing
        """Called when a model may have been loaded or unloaded, or begins or ends to answer."""
        self.clients_of: Callable[[SupervisedEngine], tuple[int, ...]] = _this_process
        """Returns the process ids of the programs that use a model."""
        self._closed = False

    @property
    def limits(self) -> PoolLimits:
        """What may stay loaded, and how long."""
        return self._limits

    @limits.setter
    def limits(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._watch_idle()

    @property
    def next_expiry(self) -> float | None:
        """When the pool looks next for what to unload, on the event loop's clock; `None`: there is no reason to."""
        return None if self._expiry is None else self._expiry.when()

    def listen(self, on_notice: Callable[[str], None]) -> None:
        """Tell, on the event loop, what a person should know: that a model was unloaded, and why."""
        self.watch(lambda engine, notice: on_notice(notice))

    def watch(self, on_notice: Callable[[SupervisedEngine, str], None]) -> None:
        """Do what `listen` does, and say which model it is about."""
        self._watchers.append(on_notice)

    async def acquire(
        self,
        entry: ModelEntry,
        options: LoadOptions = LoadOptions(),  # noqa: B008  # frozen
        on_progress: Callable[[LoadProgress], None] | None = None,
    ) -> Engine:
        """Return the engine of a model, loaded. It stays valid, also when its worker ends, until `close`.

        Equal paths and options share a worker; callers that come while it loads share the load. When the last of
        them is cancelled, the load is stopped. When there is no room, models that answer nobody are unloaded, the least
        recently used first; their engines load them again when asked.

        Args:
            entry: The model.
            options: How to load it.
            on_progress: Told how far loading has come, on the event loop.

        Raises:
            ModelError: The model cannot be used; its subclasses say why.
            EngineError: Its worker died or could not be started, or the load was stopped.
        """
        engine = self.engine(entry, options)
        await engine.ready(on_progress or _ignore)
        return engine

    def engine(self, entry: ModelEntry, options: LoadOptions) -> SupervisedEngine:
        """Return the engine of a model, loaded or not.

        Raises:
            EngineError: The pool is closed.
        """
        if self._closed:
            raise EngineError(f"{entry.name} cannot be loaded: the program is ending")
        key = entry.path, entry.format, options
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = self._new_place(entry, options)
        return place.engine

    async def unload(self, model: str) -> None:
        """Unload a model, with whatever options it is loaded. Its engines load it again when asked.

        Args:
            model: Its name, or the path of its file.

        Raises:
            ModelNotFound: It is not loaded.
            EngineError: It is answering or being loaded; nothing is unloaded.
        """
        places = [place for place in self._held() if model in (place.entry.name, str(place.entry.path))]
        if not places:
            raise ModelNotFound(f"{model} is not loaded")
        busy = next((place for place in places if not place.idle), None)
        if busy is not None:
            doing = "being loaded" if busy.engine.state == "loading" else "answering"
            raise EngineError(f"{model} is {doing} and stays loaded; stop that first, or wait for its end")
        await asyncio.gather(*(place.engine.close() for place in places))

    def loaded(self) -> tuple[HeldModel, ...]:
        """Return the models that are loaded or being loaded, the last used first."""
        now = asyncio.get_running_loop().time()
        held = sorted(self._held(), key=lambda place: place.engine.last_used, reverse=True)
        return tuple(
            HeldModel(
                name=place.entry.name,
                path=str(place.entry.path),
                state=place.engine.state or "idle",
                memory_bytes=place.memory,
                idle_seconds=max(0.0, now - place.engine.last_used) if place.idle else 0.0,
                seconds_left=max(0.0, self._expires_at(place) - now) if place.idle else FOREVER,
                clients=self.clients_of(place.engine),
                worker=place.engine.worker_pid,
            )
            for place in held
        )

    async def held(self) -> tuple[HeldModel, ...]:
        """Return what `loaded` returns: a pool in another process has to be asked."""
        return self.loaded()

    async def close(self) -> None:
        """End all workers within a second. Requests that are still open fail, loads are stopped."""
        self._closed = True
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        await asyncio.gather(*(place.engine.close() for place in self._places.values()), *self._unloading)

    def _new_place(self, entry: ModelEntry, options: LoadOptions) -> _Place:
        place = _Place(entry, options)

        async def admit() -> None:
            await self._make_room_for(place)

        async def make_way(problem: NotEnoughMemory) -> None:
            async with self._admission:
                await self._unload_for(place, problem)

        place.start = WorkerStart(entry, options, self._log_folder, self._loader, admit, make_way)
        place.engine = SupervisedEngine(entry.name, place.start, self._use_changed)
        return place

    def _held(self) -> list[_Place]:
        return [place for place in self._places.values() if place.held]

    def _idle(self) -> list[_Place]:
        """Return the models that may be unloaded, the least recently used first."""
        return sorted((place for place in self._held() if place.idle), key=lambda place: place.engine.last_used)

    # Room

    def _with_room(self) -> list[_Place]:
        return [place for place in self._held() if place.admitted]

    async def _make_room_for(self, place: _Place) -> None:
        """Return when a model may be loaded; others that answer nobody make way.

        Raises:
            ModelError: There is no room, or its file is damaged.
        """
        async with self._admission:  # else two loads would count on the same room
            place.admitted = False
            place.memory = 0
            place.threads = None  # it is a new worker
            while self._is_full():
                await self._unload_for(place, self._full())
            while True:
                taken = [Taken(other.start.pid, other.memory) for other in self._with_room()]
                budget = self._limits.memory_budget
                try:
                    place.memory = await asyncio.to_thread(check_content, place.entry, place.options, taken, budget)
                    place.admitted = True
                    return
                except NotEnoughMemory as error:
                    if idle := self._idle():
                        # Nothing is unloaded for a model that will not fit anyway.
                        reclaimed = sum(other.memory for other in idle)
                        await asyncio.to_thread(check_content, place.entry, place.options, taken, budget, reclaimed)
                    await self._unload_for(place, error)

    def _is_full(self) -> bool:
        most = self._limits.max_loaded
        return most is not None and len(self._with_room()) >= most

    def _full(self) -> NotEnoughMemory:
        return NotEnoughMemory(f"no more than {self._limits.max_loaded} models may be loaded (--max-loaded)")

    async def _unload_for(self, place: _Place, problem: NotEnoughMemory) -> None:
        """Unload the least recently used model, or raise `problem` if all that are loaded are in use."""
        idle = self._idle()
        if not idle:
            busy = [other.entry.name for other in self._with_room() if other is not place]
            if not busy:
                raise problem
            names = " and ".join(busy)
            raise NotEnoughMemory(f"{problem}; {names} {'is' if len(busy) == 1 else 'are'} in use and cannot make way")
        await idle[0].engine.close()
        self._tell(idle[0], f"{idle[0].entry.name} was unloaded to make room for {place.entry.name}")

    # Idle models

    def _expires_at(self, place: _Place) -> float:
        keep_alive = self._limits.keep_alive
        return place.engine.last_used + (keep_alive if place.engine.answered else max(keep_alive, FIRST_PROMPT))

    def _watch_idle(self) -> None:
        """Wake up when the next idle model expires, and not before."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        next_at = min((self._expires_at(place) for place in self._held() if place.idle), default=FOREVER)
        if next_at < FOREVER and not self._closed:
            self._expiry = asyncio.get_running_loop().call_at(next_at, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        now = asyncio.get_running_loop().time()
        for place in self._idle():
            if self._expires_at(place) <= now:
                task = asyncio.create_task(self._unload_expired(place))
                self._unloading.add(task)
                task.add_done_callback(self._unloading.discard)
        self._watch_idle()

    async def _unload_expired(self, place: _Place) -> None:
        if not place.idle:
            return  # it was asked something meanwhile
        await place.engine.close()
        if self._limits.keep_alive:
            self._tell(
                place,
                f"{place.entry.name} was unloaded after {duration_words(self._limits.keep_alive)} without a prompt; "
                "the next one loads it again",
            )

    # Threads

    def _use_changed(self) -> None:
        if not self._closed:
            self._watch_idle()
            self._divide_threads()
            self.on_change()

    def _divide_threads(self) -> None:
        """Share the cores among the models that compute."""
        answering = [place for place in self._held() if place.engine.state == "answering"]
        if len(answering) < 2 and all(place.threads is None for place in answering):
            return  # by itself a model uses what there is
        from mistral_tui.engines.cores import usable_cores  # only for several models at once

        shares = divide(usable_cores(), [place.options.threads for place in answering])
        for place, share in zip(answering, shares, strict=True):
            if place.threads != share:
                place.threads = share
                place.engine.set_threads(share)

    def _tell(self, place: _Place, notice: str) -> None:
        for watcher in tuple(self._watchers):
            watcher(place.engine, notice)


def _ignore(progress: LoadProgress) -> None:
    pass


def _nothing() -> None:
    pass


def _this_process(engine: SupervisedEngine) -> tuple[int, ...]:
    return (os.getpid(),)
