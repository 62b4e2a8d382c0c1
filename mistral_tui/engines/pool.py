"""Which models are loaded: one worker process each, started when asked for and kept until
memory is short or the pool is closed.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.types.errors import EngineError
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry, ModelFormat

GGUF_LOADER = "mistral_tui.engines.gguf.loading:load"


class EnginePool:
    """The loaded models.

    Args:
        log_folder: Where workers write their logs.
        loader: `MODULE:FUNCTION` that loads a model in its worker; see `mistral_tui.engines.worker`.
    """

    def __init__(self, log_folder: Path, loader: str = GGUF_LOADER) -> None:
        self._log_folder = log_folder
        self._loader = loader
        self._engines: dict[tuple[Path, ModelFormat, LoadOptions], SupervisedEngine] = {}
        self._closed = False

    async def acquire(
        self,
        entry: ModelEntry,
        options: LoadOptions = LoadOptions(),  # noqa: B008  # frozen
        on_progress: Callable[[LoadProgress], None] | None = None,
    ) -> Engine:
        """Return the engine of a model, loaded. It stays valid, also when its worker dies, until `close`.

        Equal paths and options share a worker; callers that come while it loads share the load. When the last of
        them is cancelled, the load is stopped. When memory is short, models that answer nobody are unloaded, the least
        recently used first; their engines load them again when asked.

        Args:
            entry: The model.
            options: How to load it.
            on_progress: Told how far loading has come, on the event loop.

        Raises:
            ModelError: The model cannot be used; its subclasses say why.
            EngineError: Its worker died or could not be started, or the load was stopped.
        """
        if self._closed:
            raise EngineError(f"{entry.name} cannot be loaded: the program is ending")
        key = entry.path, entry.format, options
        engine = self._engines.get(key)
        if engine is None:
            engine = self._engines[key] = SupervisedEngine(
                entry, options, self._log_folder, self._loader, self._make_room
            )
        await engine.ready(on_progress or _ignore)
        return engine

    async def close(self) -> None:
        """End all workers within a second. Requests that are still open fail, loads are stopped."""
        self._closed = True
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))

    async def _make_room(self) -> bool:
        idle = [engine for engine in self._engines.values() if engine.idle]
        if not idle:
            return False
        await min(idle, key=lambda engine: engine.last_used).close()
        return True


def _ignore(progress: LoadProgress) -> None:
    pass
