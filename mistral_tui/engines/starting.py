"""Starts workers for one model, and loads it into them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from mistral_tui.engines.preflight import check_file
from mistral_tui.engines.process import WorkerProcess, worker_command
from mistral_tui.processes.log import WorkerLog
from mistral_tui.types.errors import NotEnoughMemory, WorkerDied
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress, ModelEntry


class _CrashedOnAnInstruction(WorkerDied):
    """A load died of the fast CPU kernels, or of something that looks like it: worth one try without them."""


class _LessMemory(Exception):
    """A worker found less memory than the estimate: on a GPU, for instance, of which only it knows."""

    def __init__(self, said: NotEnoughMemory) -> None:
        super().__init__(str(said))
        self.said = said


class WorkerStart:
    """Makes a worker with the model in it, as often as it is called.

    Args:
        entry: The model.
        options: How to load it.
        log_folder: Where its workers write their logs.
        loader: `MODULE:FUNCTION` that loads it in the worker.
        admit: Returns when there is room for it in memory, or raises a `MistralTuiError`.
        make_way: Unloads another model, because the worker has found less memory than was thought; raises what it is
            given if none can be unloaded.
    """

    def __init__(
        self,
        entry: ModelEntry,
        options: LoadOptions,
        log_folder: Path,
        loader: str,
        admit: Callable[[], Awaitable[None]],
        make_way: Callable[[NotEnoughMemory], Awaitable[None]],
    ) -> None:
        self._entry = entry
        self._options = options
        self._log_folder = log_folder
        self._loader = loader
        self._admit = admit
        self._make_way = make_way
        self._plain_kernels = False
        self.pid: int | None = None
        """Process id of the worker that was started last."""

    async def __call__(self, on_progress: Callable[[LoadProgress], None]) -> tuple[WorkerProcess, LoadedModel]:
        """Return a new worker, loaded.

        Raises:
            MistralTuiError: It cannot be.
        """
        check_file(self._entry)
        while True:
            try:
                return await self._load(on_progress)
            except _CrashedOnAnInstruction:
                self._plain_kernels = True
            except _LessMemory as problem:
                await self._make_way(problem.said)

    async def _load(self, on_progress: Callable[[LoadProgress], None]) -> tuple[WorkerProcess, LoadedModel]:
        log = WorkerLog(self._log_folder, self._entry.name)
        process = await WorkerProcess.start(worker_command(self._loader), self._entry.name, log)
        self.pid = process.pid
        admitted = False
        try:
            await self._admit()  # while the worker starts
            admitted = True
            model = await process.load(
                str(self._entry.path), self._options, on_progress, plain_kernels=self._plain_kernels
            )
        except BaseException as error:
            await process.close()
            if isinstance(error, NotEnoughMemory) and admitted:
                raise _LessMemory(error) from error
            if process.crashed_on_an_instruction and not self._plain_kernels:
                raise _CrashedOnAnInstruction(str(error)) from error
            raise
        return process, model
