"""A model that is being loaded or has been, shared by all who wait for it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import LoadCancelled
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import HeldModel

OnProgress = Callable[[LoadProgress], None]


class Pool(Protocol):
    """Where engines come from."""

    async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: OnProgress | None = None) -> Engine:
        """Load a model, or return the engine that has it.

        Raises:
            ModelError, EngineError: It cannot be loaded.
        """
        ...

    async def unload(self, model: str) -> None:
        """Unload a model, by its name or path; its engines load it again when asked.

        Raises:
            ModelNotFound: It is not loaded.
            EngineError: It is answering, or being loaded.
        """
        ...

    async def held(self) -> tuple[HeldModel, ...]:
        """Return the models that are loaded or being loaded, also for other programs that share them."""
        ...

    def listen(self, on_notice: Callable[[str], None]) -> None:
        """Tell what a person should know of the loaded models, on the event loop."""
        ...

    async def close(self) -> None:
        """Unload everything."""
        ...


class Load:
    """One call of `Pool.acquire`; who gives up waiting for it leaves it to the others."""

    def __init__(self, pool: Pool, entry: ModelEntry, options: LoadOptions) -> None:
        self.entry = entry
        self.options = options
        self.in_doubt = False
        """Whether the pool is to be asked again for the next reply."""
        self._waiting: list[OnProgress] = []
        self._progress: LoadProgress | None = None
        self._task = asyncio.create_task(pool.acquire(entry, options, self._report))
        # Its failure is told to those who wait; when nobody does, nobody needs to know.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def failed(self) -> bool:
        """Whether it ended without a model."""
        return self._task.done() and (self._task.cancelled() or self._task.exception() is not None)

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        return bool(self._waiting)

    @property
    def engine(self) -> Engine | None:
        """The loaded model, once it is there."""
        return self._task.result() if self._task.done() and not self.failed else None

    async def wait(self, on_progress: OnProgress) -> Engine:
        """Return the engine; `on_progress` is told how far the load is, from the point where it is now.

        Raises:
            ModelError, EngineError: It could not be loaded.
        """
        if not self._task.done() and self._progress is not None:
            on_progress(self._progress)
        self._waiting.append(on_progress)
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if self._task.cancelled():
                raise LoadCancelled(f"loading {self.entry.name} was stopped; send the prompt again") from None
            raise
        finally:
            self._waiting.remove(on_progress)

    def stop(self) -> None:
        """Stop the load; nothing happens to a model that is loaded."""
        self._task.cancel()

    def stop_if_unwanted(self) -> None:
        """Stop the load if nobody waits for it."""
        if not self._waiting:
            self.stop()

    def _report(self, progress: LoadProgress) -> None:
        self._progress = progress
        for on_progress in tuple(self._waiting):
            on_progress(progress)
