"""The parent's end of a worker process: start it, talk frames with it, stop it, and say why it died."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mistral_tui.engines import wire
from mistral_tui.engines.exit_status import crashed_on_an_instruction, name_exit
from mistral_tui.engines.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child
from mistral_tui.engines.worker_log import WorkerLog
from mistral_tui.types.errors import EngineError, WorkerDied, error_named
from mistral_tui.types.events import EngineEvent, Finished, TextDelta
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

HELLO_SECONDS = 30.0
"""How long a worker may take to say hello: an interpreter's start from a slow disk."""
CANCEL_SECONDS = 2.0
"""How long a worker may take to end a cancelled request before it is killed."""
CLOSE_SECONDS = 0.5
"""How long a worker may take to end by itself."""

_READ_BYTES = 256 * 1024
R = TypeVar("R")


def worker_command(engine: str) -> list[str]:
    """Return the command that starts a worker with the engine `MODULE:FUNCTION`."""
    # -P: the person's current folder is no place to import from.
    return [sys.executable, "-P", "-m", "mistral_tui.engines.worker", engine, str(os.getpid())]


@dataclass
class _Stream:
    """One request on its way: frames of events that its reader has not taken yet."""

    frames: asyncio.Queue[tuple[EngineEvent, ...]] = field(default_factory=asyncio.Queue)
    tokens: int = 0
    deadline: asyncio.TimerHandle | None = None
    """Set once the request was cancelled: when patience ends."""


class WorkerProcess:
    """A running worker. Made by `start`; after its death every call says so."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, log: WorkerLog) -> None:
        self._process = process
        self._name = name
        self._log = log
        self._client = f"{os.getpid()}"
        self._streams: dict[str, _Stream] = {}
        self._patience: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            HELLO_SECONDS, self._kill, f"did not say hello within {HELLO_SECONDS:g} s"
        )
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._load: tuple[asyncio.Future[LoadedModel], Callable[[LoadProgress], None]] | None = None
        self._stopped_because: str | None = None
        self._cause: str | None = None
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
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._cause is None and self._stopped_because is None

    @property
    def busy(self) -> bool:
        """Whether a request is open."""
        return bool(self._streams or self._answers)

    @property
    def crashed_on_an_instruction(self) -> bool:
        """Whether it ended as code does that this CPU cannot run, or that a compiler got wrong."""
        status = self._process.returncode
        return status is not None and crashed_on_an_instruction(status)

    async def load(
        self, path: str, options: LoadOptions, on_progress: Callable[[LoadProgress], None], *, plain_kernels: bool
    ) -> LoadedModel:
        """Load the model; called once. Cancelling this call stops the load.

        Raises:
            MistralTuiError: Whatever the engine raised, of the same class.
            WorkerDied: The process ended meanwhile.
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

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        """Write a reply, as `Engine.generate` promises."""
        try:
            frame = wire.encode(wire.Generate(client=self._client, request=request.id, prompt=request))
        except wire.WireError as error:
            yield Finished("failed", Usage(), str(error))
            return
        if not self.alive:
            yield self._death_of(_Stream())
            return
        stream = self._streams[request.id] = _Stream()
        self._write(frame)
        try:
            while True:
                for event in await stream.frames.get():
                    yield event
                    if isinstance(event, Finished):
                        return
                self._send(wire.More(client=self._client, request=request.id))
        finally:
            self.cancel(request.id)  # the reader may have gone before the end

    async def ask(self, query: Query) -> Answer:
        """Answer a query, as `Engine.ask` promises."""
        request = uuid.uuid4().hex
        try:
            frame = wire.encode(wire.Ask(client=self._client, request=request, query=query))
        except wire.WireError as error:
            return Refusal("InvalidRequest", str(error))
        if not self.alive:
            return self._death_of_a_query()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request] = answer
        self._write(frame)
        try:
            return await answer
        except asyncio.CancelledError:
            self._send(wire.Cancel(client=self._client, request=request))
            raise
        finally:
            del self._answers[request]

    def cancel(self, request_id: str) -> None:
        """Stop a request; a worker that does not obey soon is killed. An unknown or ended request is ignored."""
        stream = self._streams.get(request_id)
        if stream is None or stream.deadline is not None:
            return
        self._send(wire.Cancel(client=self._client, request=request_id))
        stream.deadline = asyncio.get_running_loop().call_later(
            CANCEL_SECONDS, self._kill, f"did not stop within {CANCEL_SECONDS:g} s of a cancel and was ended"
        )

    def forget(self, chat_id: str) -> None:
        """Release what the KV cache keeps for a chat."""
        self._send(wire.Forget(client=self._client, chat_id=chat_id))

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
                self._kill("was closed")
        await self._reader

    def _kill(self, because: str) -> None:
        if self._stopped_because is None:
            self._stopped_because = because
        if self._process.returncode is None:
            self._process.kill()

    def _send(self, frame: wire.ToWorker) -> None:
        self._write(wire.encode(frame))

    def _write(self, frame: bytes) -> None:
        # Never waits: what is written is small or asked for by a person, and a worker always reads.
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(frame)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        decoder = wire.FrameDecoder[wire.FromWorker](wire.FromWorker)
        try:
            while chunk := await self._process.stdout.read(_READ_BYTES):
                for frame in decoder.feed(chunk):
                    self._handle(frame)
        except wire.WireError as error:
            self._kill(f"was ended: {error}")
        finally:
            await self._bury()

    def _handle(self, frame: wire.FromWorker) -> None:
        if self._patience is not None:
            wire.check_hello(frame)
            self._patience.cancel()
            self._patience = None
            return
        match frame:
            case wire.Events():
                self._handle_events(frame)
            case wire.Answered():
                if answer := self._answers.get(frame.request):
                    _settle(answer, frame.answer)
            case wire.Loading() if self._load is not None:
                self._load[1](frame.progress)
            case wire.Loaded() if self._load is not None:
                _settle(self._load[0], frame.model)
            case wire.LoadFailed() if self._load is not None:
                _settle(self._load[0], error_named(frame.error, frame.message))
            case _:
                pass  # the answer to a load that nobody waits for any more

    def _handle_events(self, frame: wire.Events) -> None:
        stream = self._streams.get(frame.request)
        if stream is None:
            return
        stream.tokens += sum(event.tokens for event in frame.events if isinstance(event, TextDelta))
        stream.frames.put_nowait(frame.events)
        self._log.rotate()  # also in the middle of a reply: one can flood the log by itself
        if isinstance(frame.events[-1], Finished):
            self._end_stream(frame.request)

    def _end_stream(self, request_id: str) -> None:
        stream = self._streams.pop(request_id)
        if stream.deadline is not None:
            stream.deadline.cancel()

    async def _bury(self) -> None:
        """Reap the process and tell everyone who waits for it."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._kill("closed its output and was ended")
            await self._process.wait()
        if self._patience is not None:
            self._patience.cancel()
        self._cause = self._cause_of_death()
        for request_id, stream in list(self._streams.items()):
            stream.frames.put_nowait((self._death_of(stream),))
            self._end_stream(request_id)
        for answer in self._answers.values():
            _settle(answer, self._death_of_a_query())
        if self._load is not None:
            _settle(self._load[0], self._death_of_a_load())

    def _cause_of_death(self) -> str:
        status = self._process.returncode
        assert status is not None
        what = self._stopped_because or name_exit(status)
        last_line = self._log.last_line()
        said = f" (last log line: {last_line})" if last_line else ""
        return f"the worker of {self._name} {what}{said}"

    def _death_of(self, stream: _Stream) -> Finished:
        usage = Usage(completion_tokens=stream.tokens)
        if stream.deadline is not None:
            return Finished("cancelled", usage)
        cause = self._cause or f"the worker of {self._name} {self._stopped_because}"
        return Finished("failed", usage, f"{cause}; the next prompt starts it again")

    def _death_of_a_query(self) -> Refusal:
        cause = self._cause or f"the worker of {self._name} {self._stopped_because}"
        return Refusal("WorkerDied", f"{cause}; asking again starts it again")

    def _death_of_a_load(self) -> WorkerDied:
        return WorkerDied(f"{self._cause} while loading; its log is {self._log.path}")


def _settle(future: "asyncio.Future[R]", result: R | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
