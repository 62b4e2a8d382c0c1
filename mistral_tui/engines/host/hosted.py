"""Models that a host holds, for all programs that ask it: a pool in its place, and what a program may ask it."""

import asyncio
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from mistral_tui.engines import wire
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.exchange import Exchange
from mistral_tui.engines.host.connection import HostConnection, greet
from mistral_tui.engines.host.meeting import CannotShare, NobodyThere, meeting_in
from mistral_tui.engines.pool import GGUF_LOADER, EnginePool
from mistral_tui.engines.preflight import check_file
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.processes.frames import FrameDecoder, encode
from mistral_tui.processes.log import WorkerLog
from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION
from mistral_tui.types.errors import EngineError, ModelNotFound, error_named
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress, ModelEntry, ModelFormat
from mistral_tui.types.pool import HeldModel, PoolLimits

START_SECONDS: Final = 30.0
"""How long a host may take to start: an interpreter's start from a slow disk."""
_ATTEMPTS: Final = 3
"""A host may end just when a program comes; the next one is found, or started."""
_READ_BYTES: Final = 256 * 1024

OnProgress = Callable[[LoadProgress], None]
OnNotice = Callable[[str], None]
F = TypeVar("F", wire.LoadedList, wire.Unloaded)


class HostedPool:
    """Engines of models that a host holds; a host is started when there is none.

    Where models cannot be shared, they are loaded by this program alone, and a notice says why.

    Args:
        folder: Where the host is met; see `mistral_tui.engines.host.meeting`.
        log_folder: Where a host that is started, and its workers, write their logs.
        loader: What loads models in workers; see `mistral_tui.engines.worker.main`.
        limits: What may stay loaded, and how long.
        insist: Whether these limits replace those of a host that runs already.
    """

    def __init__(
        self,
        folder: Path,
        log_folder: Path,
        loader: str = GGUF_LOADER,
        limits: PoolLimits | None = None,
        *,
        insist: bool = False,
    ) -> None:
        self._meeting = meeting_in(folder)
        self._log_folder = log_folder
        self._loader = loader
        self._limits = limits or PoolLimits()
        self._insist = insist
        self._engines: dict[tuple[Path, ModelFormat, LoadOptions], SupervisedEngine] = {}
        self._private: EnginePool | None = None
        self._listeners: list[OnNotice] = []
        self._untold: list[str] = []
        self._closed = False

    async def acquire(
        self,
        entry: ModelEntry,
        options: LoadOptions = LoadOptions(),  # noqa: B008  # frozen
        on_progress: OnProgress | None = None,
    ) -> Engine:
        """Return the engine of a model, loaded; see `EnginePool.acquire`."""
        if self._closed:
            raise EngineError(f"{entry.name} cannot be loaded: the program is ending")
        if self._private is None:
            engine = self._engine(entry, options)
            try:
                await engine.ready(on_progress or (lambda progress: None))
            except CannotShare as error:
                if self._private is None:
                    self._private = EnginePool(self._log_folder, self._loader, self._limits)
                    self._private.listen(self._tell)
                    self._tell(f"models are not shared with other programs: {error}")
            else:
                return engine
        return await self._private.acquire(entry, options, on_progress)

    async def unload(self, model: str) -> None:
        """Unload a model of the host; see `EnginePool.unload`."""
        if self._private is not None:
            await self._private.unload(model)
        else:
            await unload_shared(self._meeting.folder, model)

    async def held(self) -> tuple[HeldModel, ...]:
        """Return what the host has loaded for all programs; nothing while it cannot be asked."""
        if self._private is not None:
            return self._private.loaded()
        try:
            return await loaded_by_host(self._meeting.folder)
        except CannotShare:
            return ()

    def listen(self, on_notice: OnNotice) -> None:
        """Tell, on the event loop, what a person should know of the models that this program uses."""
        self._listeners.append(on_notice)
        while self._untold:
            self._tell(self._untold.pop(0))

    async def close(self) -> None:
        """Leave the host; what it has loaded stays. Requests that are still open fail, loads are stopped."""
        self._closed = True
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))
        if self._private is not None:
            await self._private.close()

    def _engine(self, entry: ModelEntry, options: LoadOptions) -> SupervisedEngine:
        options = _with_absolute_paths(options)
        key = entry.path, entry.format, options
        if key not in self._engines:

            async def start(on_progress: OnProgress) -> tuple[Exchange, LoadedModel]:
                check_file(entry)
                connection = await self._connect(entry.name)
                try:
                    path = str(entry.path.absolute())
                    model = await connection.load(path, options, on_progress, plain_kernels=False)
                except BaseException:
                    await connection.close()
                    raise
                return connection, model

            self._engines[key] = SupervisedEngine(entry.name, start)
        return self._engines[key]

    async def _connect(self, name: str) -> HostConnection:
        """Return a connection to the host, which is started if need be.

        Raises:
            CannotShare: There can be none.
        """
        started = False
        for _ in range(_ATTEMPTS):
            try:
                connection = await HostConnection.open(self._meeting, name, self._tell)
            except NobodyThere:
                await asyncio.to_thread(self._start_host)
                started = True
                continue
            if started or self._insist:
                connection.limit(self._limits)
                self._insist = False
            return connection
        raise CannotShare("the host ends as soon as it is started; see its log")

    def _start_host(self) -> None:
        """Start a host, and return when it or one that was faster listens. Waits, so it has a thread of its own."""
        log = WorkerLog(self._log_folder, "host")
        log_fd = log.open()
        try:
            host = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "mistral_tui.engines.host.server"),
                    *(str(self._meeting.folder), str(self._log_folder), self._loader),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_fd,
                text=True,
                cwd=self._meeting.folder,
                start_new_session=NEW_SESSION,
                creationflags=CREATION_FLAGS,
            )
        except OSError as error:
            raise CannotShare(f"the host cannot be started: {error}") from error
        finally:
            os.close(log_fd)
        assert host.stdout is not None
        patience = threading.Timer(START_SECONDS, host.kill)
        patience.start()
        with host.stdout:
            said = host.stdout.readline().strip()
        patience.cancel()
        # It belongs to nobody, but it is a child of this program: somebody has to take notice of its end.
        threading.Thread(target=host.wait, daemon=True).start()
        if said != "ready":
            raise CannotShare(said or f"the host cannot be started; its log is {log.path}")

    def _tell(self, notice: str) -> None:
        if not self._listeners:
            self._untold.append(notice)
        for listener in tuple(self._listeners):
            listener(notice)


async def loaded_by_host(folder: Path) -> tuple[HeldModel, ...]:
    """Return what the host has loaded; nothing if there is no host.

    Raises:
        CannotShare: The host cannot be asked.
    """
    try:
        return (await _ask_host(folder, wire.ListLoaded(request=uuid.uuid4().hex), wire.LoadedList)).models
    except NobodyThere:
        return ()


async def unload_shared(folder: Path, model: str) -> None:
    """Unload a model of the host.

    Raises:
        ModelNotFound: It is not loaded, or there is no host.
        EngineError: It is answering or being loaded, or the host cannot be asked.
    """
    try:
        answer = await _ask_host(folder, wire.Unload(request=uuid.uuid4().hex, model=model), wire.Unloaded)
    except NobodyThere:
        raise ModelNotFound(f"{model} is not loaded by a host that shares models") from None
    if answer.refusal is not None:
        raise error_named(answer.refusal.error, answer.refusal.message)


async def _ask_host(folder: Path, question: wire.ToHost, kind: type[F]) -> F:
    meeting = meeting_in(folder)
    reader, writer = await meeting.connect()
    decoder = FrameDecoder[wire.FromHost](wire.FromHost)
    try:
        await greet(meeting, reader, writer)
        writer.write(encode(question))
        while chunk := await reader.read(_READ_BYTES):
            for frame in decoder.feed(chunk):
                if isinstance(frame, kind):
                    return frame
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    raise NobodyThere("the host has just ended")


def _with_absolute_paths(options: LoadOptions) -> LoadOptions:
    """Return options that mean the same in a process with another current folder."""

    def absolute(path: str) -> str:
        return str(Path(path).expanduser().absolute())

    return msgspec.structs.replace(
        options,
        mmproj=options.mmproj and absolute(options.mmproj),
        draft=options.draft and absolute(options.draft),
        adapters=tuple(msgspec.structs.replace(one, path=absolute(one.path)) for one in options.adapters),
    )
