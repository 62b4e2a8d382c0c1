"""The parent's end of a worker process: start it, talk frames with it, stop it, and say why it died."""

import asyncio
import os
import sys
from collections.abc import Sequence

from mistral_tui.engines import wire
from mistral_tui.engines.exchange import Exchange
from mistral_tui.processes.exit_status import GAVE_UP, crashed_on_an_instruction, name_exit
from mistral_tui.processes.frames import FrameDecoder, WireError
from mistral_tui.processes.log import WorkerLog
from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child
from mistral_tui.types.errors import EngineError, WorkerDied

HELLO_SECONDS = 30.0
"""How long a worker may take to say hello: an interpreter's start from a slow disk."""
CLOSE_SECONDS = 0.9
"""How long a worker may take to end by itself."""

_READ_BYTES = 256 * 1024


def worker_command(engine: str) -> list[str]:
    """Return the command that starts a worker with the engine `MODULE:FUNCTION`."""
    # -P: the person's current folder is no place to import from.
    return [sys.executable, "-P", "-m", "mistral_tui.engines.worker.main", engine, str(os.getpid())]


class WorkerProcess(Exchange):
    """A running worker. Made by `start`; after its death every call says so."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, log: WorkerLog) -> None:
        super().__init__(name)
        self._process = process
        self._log = log
        self._patience: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            HELLO_SECONDS, self._break_off, f"did not say hello within {HELLO_SECONDS:g} s"
        )
        self._reader = asyncio.create_task(self._read(), name=f"frames from the worker of {name}")

    @classmethod
    async def start(cls, command: Sequence[str], name: str, log: WorkerLog) -> "WorkerProcess":
        """Start a worker for the model `name` and greet it, without waiting for its answer.

        Raises:
            EngineError: The process cannot be started.
        """
        log_fd = log.open()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_fd,
                env={**os.environ, "GGML_NO_BACKTRACE": "1"},  # else an abort starts a debugger
                start_new_session=NEW_SESSION,
                creationflags=CREATION_FLAGS,
            )
        except OSError as error:
            raise EngineError(f"the worker of {name} cannot be started: {error}") from error
        finally:
            os.close(log_fd)
        bind_child(process.pid)
        worker = cls(process, name, log)
        worker._send(wire.Hello(client=worker._client))
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def crashed_on_an_instruction(self) -> bool:
        """Whether it ended as code does that this CPU cannot run, or that a compiler got wrong."""
        status = self._process.returncode
        return status is not None and crashed_on_an_instruction(status)

    async def close(self) -> None:
        """End the process within a second; requests that are still open fail."""
        if self._stopped_because is None:
            self._stopped_because = "was closed"
        if self._process.stdin is not None:
            self._process.stdin.close()  # a worker ends at the end of its input
        try:
            await asyncio.wait({self._reader}, timeout=CLOSE_SECONDS)
        finally:
            if not self._reader.done():
                self._break_off("was closed")
        await self._reader

    def _break_off(self, because: str) -> None:
        if self._stopped_because is None:
            self._stopped_because = because
        if self._process.returncode is None:
            self._process.kill()

    def _write(self, frame: bytes) -> None:
        # Never waits: what is written is small or asked for by a person, and a worker always reads.
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(frame)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        decoder = FrameDecoder[wire.FromWorker](wire.FromWorker)
        try:
            while chunk := await self._process.stdout.read(_READ_BYTES):
                for frame in decoder.feed(chunk):
                    self._handle(frame)
        except WireError as error:
            self._break_off(f"was ended: {error}")
        finally:
            await self._bury()

    def _handle(self, frame: wire.FromWorker) -> None:
        if self._patience is not None:
            wire.check_hello(frame)
            self._patience.cancel()
            self._patience = None
            return
        super()._handle(frame)
        if isinstance(frame, wire.Events):
            self._log.rotate()  # also in the middle of a reply: one can flood the log by itself

    async def _bury(self) -> None:
        """Reap the process and tell everyone who waits for it."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._break_off("closed its output and was ended")
            await self._process.wait()
        if self._patience is not None:
            self._patience.cancel()
        self._cause = self._cause_of_death()
        self._tell_all()

    def _cause_of_death(self) -> str:
        status = self._process.returncode
        assert status is not None
        what = self._stopped_because or name_exit(status)
        last_line = self._log.last_line()
        if status == GAVE_UP and self._stopped_because is None and last_line:
            return f"the worker of {self._name} gave up: {last_line}"
        said = f" (last log line: {last_line})" if last_line else ""
        return f"the worker of {self._name} {what}{said}"

    def _over(self) -> str:
        return f"the worker of {self._name} {self._stopped_because}"

    def _death_of_a_load(self) -> WorkerDied:
        return WorkerDied(f"{self._cause} while loading; its log is {self._log.path}")
