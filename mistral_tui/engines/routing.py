"""One pool in front of two: models on this machine, and models at endpoints."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import EngineError, ModelNotFound
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import HeldModel

if TYPE_CHECKING:
    from mistral_tui.engines.remote.pool import RemoteEngines

OnProgress = Callable[[LoadProgress], None]
OnNotice = Callable[[str], None]


class LocalPool(Protocol):
    """A pool of models on this machine: `EnginePool` or `HostedPool`."""

    async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: OnProgress | None = None) -> Engine:
        """Return the engine of a model, loaded."""
        ...

    async def unload(self, model: str) -> None:
        """Unload a model."""
        ...

    async def held(self) -> tuple[HeldModel, ...]:
        """Return the models that are loaded or being loaded."""
        ...

    def listen(self, on_notice: OnNotice) -> None:
        """Tell what a person should know."""
        ...

    async def close(self) -> None:
        """Unload everything."""
        ...


class RoutingPool:
    """Hands each model to where it runs; a remote one has no worker, and nothing of it is loaded here.

    Args:
        local: Loads what is on this machine.
    """

    def __init__(self, local: LocalPool) -> None:
        self._local = local
        self._remote: RemoteEngines | None = None
        self._remote_names: set[str] = set()
        self._listeners: list[OnNotice] = []
        self._untold: list[str] = []
        self._closed = False

    async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: OnProgress | None = None) -> Engine:
        """Return the engine of a model, loaded or reachable.

        Raises:
            ModelError, EngineError: It cannot be used.
        """
        if entry.remote is None:
            return await self._local.acquire(entry, options, on_progress)
        if self._closed:
            raise EngineError(f"{entry.name} cannot be asked: the program is ending")
        if self._remote is None:
            # Only for those who use it: HTTP takes 70 ms to import.
            from mistral_tui.engines.remote.pool import RemoteEngines

            self._remote = RemoteEngines(self._tell)
        report = on_progress or (lambda progress: None)
        report(LoadProgress("starting", 0.0))
        engine = await self._remote.acquire(entry.name, entry.remote, options)
        self._remote_names |= {entry.name, engine.model.name}
        report(LoadProgress("ready", 1.0))
        return engine

    async def unload(self, model: str) -> None:
        """Unload a model of this machine; see `EnginePool.unload`."""
        if model in self._remote_names:
            raise ModelNotFound(f"{model} runs at its endpoint, and nothing of it is loaded here")
        await self._local.unload(model)

    async def held(self) -> tuple[HeldModel, ...]:
        """Return the models that are loaded on this machine, or being loaded."""
        return await self._local.held()

    def listen(self, on_notice: OnNotice) -> None:
        """Tell, on the event loop, what a person should know of the models in use."""
        self._local.listen(on_notice)
        self._listeners.append(on_notice)
        while self._untold:
            self._tell(self._untold.pop(0))

    async def close(self) -> None:
        """Unload everything and end all requests."""
        self._closed = True
        if self._remote is not None:
            await self._remote.close()
        await self._local.close()

    def _tell(self, notice: str) -> None:
        if not self._listeners:
            self._untold.append(notice)
        for listener in tuple(self._listeners):
            listener(notice)
