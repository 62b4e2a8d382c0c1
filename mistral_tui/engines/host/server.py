"""The pool in a process of its own, so that several programs share loaded models.

    python -m mistral_tui.engines.host.server FOLDER LOG_FOLDER MODULE:FUNCTION

It is started by the first program that wants to share (see `mistral_tui.engines.host.hosted`) and belongs to none: it
ends when no program is connected and nothing is loaded. When it is listening it prints one line, `ready`, or why it
cannot.

Programs send the frames that a worker takes. Each connection is for one model; what differs from a worker is
that a connection may also ask what is loaded, and have something unloaded.
"""

import asyncio
import os
import secrets
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mistral_tui.engines import wire
from mistral_tui.engines.host.meeting import CannotShare, Meeting, NobodyThere, meeting_in
from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.processes.frames import FrameDecoder, WireError, encode
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.events import Finished
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadProgress, ModelEntry
from mistral_tui.types.queries import Refusal

HELLO_SECONDS: Final = 10.0
"""How long a program may take to say who it is."""
LINGER: Final = 1.0
"""Seconds that a host waits for a program although nothing is loaded."""
OTHERS_SECONDS: Final = 10.0
"""How long to wait for a host that is ending, or beginning to listen."""
MOST_REQUESTS: Final = 256
"""Requests that one connection may have open."""

_READ_BYTES: Final = 256 * 1024


class Host:
    """Serves the programs that come to a meeting place."""

    def __init__(self, meeting: Meeting, pool: EnginePool) -> None:
        self.meeting = meeting
        self.pool = pool
        self.guests: set[Guest] = set()
        self._unwanted = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        pool.clients_of = self._clients_of
        pool.on_change = self.reconsider
        pool.watch(self._tell)

    async def run(self, on_listening: Callable[[], None] = lambda: None) -> None:
        """Listen until nobody needs the host any more.

        Args:
            on_listening: Called when programs can come.

        Raises:
            CannotShare: The meeting place cannot be taken.
        """
        loop = asyncio.get_running_loop()
        server = await self.meeting.listen(self._welcome)
        with suppress(NotImplementedError):  # Windows has no signals to ask for an end
            loop.add_signal_handler(signal.SIGTERM, self.end)
        on_listening()
        self.reconsider()
        await self._unwanted.wait()
        self.meeting.leave()
        server.close()
        for guest in tuple(self.guests):
            guest.leave()
        await self.pool.close()

    def end(self) -> None:
        """Make `run` return soon; replies that are being written are cut off."""
        self._unwanted.set()

    def reconsider(self) -> None:
        """Something has changed: perhaps nobody needs the host any more."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not self.guests and not self.pool.loaded():
            self._linger = asyncio.get_running_loop().call_later(LINGER, self.end)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guest = Guest(self, reader, writer)
        self.guests.add(guest)
        self.reconsider()
        try:
            await guest.serve()
        except (WireError, CannotShare, ConnectionError, TimeoutError) as error:
            print(f"a program was left: {error}", file=sys.stderr, flush=True)
        except Exception:
            traceback.print_exc()
        finally:
            self.guests.discard(guest)
            self.reconsider()

    def _clients_of(self, engine: SupervisedEngine) -> tuple[int, ...]:
        return tuple(sorted({guest.pid for guest in self.guests if guest.engine is engine}))

    def _tell(self, engine: SupervisedEngine, notice: str) -> None:
        for guest in self.guests:
            if guest.engine is engine:
                guest.send(wire.Notice(text=notice))


@dataclass
class _Reply:
    """A reply on its way to a program."""

    credit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(wire.EVENTS_IN_FLIGHT))
    """Frames of events that may be sent before the program asks for more."""
    cancelled: bool = False
    """Whether the end is all that the program still waits for."""


class Guest:
    """One connection of a program: at most one model, and any number of requests to it."""

    def __init__(self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.engine: SupervisedEngine | None = None
        """The model of this connection."""
        self.pid = 0
        """The program."""
        self._host = host
        self._reader = reader
        self._writer = writer
        self._decoder = FrameDecoder[wire.ToHost](wire.ToHost)
        self._number = secrets.token_hex(4)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """What is being done for it, by the ids of its requests."""
        self._replies: dict[str, _Reply] = {}
        self._chats: set[str] = set()

    async def serve(self) -> None:
        """Do what the program asks until it is gone.

        Raises:
            WireError: It does not speak this protocol.
            CannotShare: It does not know the secret.
        """
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                rest = await self._greet()
            for frame in rest:
                self._handle(frame)
            while frames := await self._receive():
                for frame in frames:
                    self._handle(frame)
        finally:
            self.leave()
            tasks = tuple(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def leave(self) -> None:
        """Be done with the program."""
        self._writer.close()

    def send(self, frame: wire.FromHost) -> None:
        """Send a frame. What may be sent without being asked for is little, so nobody waits here."""
        if not self._writer.is_closing():
            self._writer.write(encode(frame))

    async def _receive(self) -> list[wire.ToHost]:
        """Return the next frames; none when the program is gone."""
        frames: list[wire.ToHost] = []
        while not frames:
            chunk = await self._reader.read(_READ_BYTES)
            if not chunk:
                return []
            frames = self._decoder.feed(chunk)
        return frames

    async def _greet(self) -> list[wire.ToHost]:
        """Learn who comes, and prove each other; return what came after that."""
        frames = await self._receive()
        if not frames:
            return []
        meeting = self._host.meeting
        try:
            hello = wire.check_hello(frames.pop(0))
        except WireError:
            self.send(wire.Hello())  # so that the other side sees of which version we are
            raise
        self.pid = hello.pid
        nonce = secrets.token_hex(16)
        self.send(wire.Hello(nonce=nonce, proof=meeting.proof("host", hello.nonce)))
        if not frames:
            frames = await self._receive()
        proof = frames.pop(0) if frames else None
        if not isinstance(proof, wire.Prove) or not meeting.is_proof(proof.proof, "program", nonce):
            raise CannotShare("it does not know the secret")
        return frames

    def _handle(self, frame: wire.ToHost) -> None:
        match frame:
            case wire.Load():
                self._begin(frame.request, self._load(frame))
            case wire.Generate():
                self._begin(frame.request, self._generate(frame))
            case wire.Ask():
                self._begin(frame.request, self._ask(frame))
            case wire.Unload():
                self._begin(frame.request, self._unload(frame))
            case wire.More():
                if reply := self._replies.get(frame.request):
                    reply.credit.release()
            case wire.Cancel():
                self._cancel(frame.request)
            case wire.Forget():
                self._forget(frame.chat_id)
            case wire.Limit():
                self._host.pool.limits = frame.limits
            case wire.ListLoaded():
                self.send(wire.LoadedList(request=frame.request, models=self._host.pool.loaded()))
            case _:
                raise WireError(f"{type(frame).__name__} is nothing for a host")

    def _begin(self, request: str, work: Coroutine[Any, Any, None]) -> None:
        if request in self._tasks or len(self._tasks) >= MOST_REQUESTS:
            work.close()
            raise WireError("a request came twice, or too many at once")
        task = self._tasks[request] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._ended(request, done))

    def _ended(self, request: str, task: asyncio.Task[None]) -> None:
        del self._tasks[request]
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error)
            self.leave()  # whoever waits for an answer must not wait for ever

    async def _load(self, frame: wire.Load) -> None:
        def report(progress: LoadProgress) -> None:
            self.send(wire.Loading(request=frame.request, progress=progress))

        entry = ModelEntry(frame.name, Path(frame.path), "gguf", 0, downloaded=True)
        try:
            engine = self._host.pool.engine(entry, frame.options)
            if self.engine not in (None, engine):
                raise WireError("a connection is for one model")
            self.engine = engine
            await engine.ready(report)
        except MistralTuiError as error:
            kind = type(error).__name__
            self.send(wire.LoadFailed(request=frame.request, error=kind, message=str(error)))
        else:
            self.send(wire.Loaded(request=frame.request, model=engine.model))

    async def _generate(self, frame: wire.Generate) -> None:
        if self.engine is None:
            self._send_end(frame.request, "no model is loaded yet; send the prompt again")
            return
        if frame.prompt.chat_id:
            self._chats.add(frame.prompt.chat_id)
        reply = self._replies[frame.request] = _Reply()
        prompt = msgspec.structs.replace(frame.prompt, id=self._own_id(frame.request))
        try:
            async with aclosing(self.engine.batches(prompt)) as batches:
                async for batch in batches:
                    if not (isinstance(batch[-1], Finished) or reply.cancelled):
                        await reply.credit.acquire()  # a slow reader holds up itself, back to the engine
                    self.send(wire.Events(request=frame.request, events=batch))
        except WireError as error:
            self._send_end(frame.request, str(error))
        finally:
            del self._replies[frame.request]

    def _send_end(self, request: str, error: str) -> None:
        self.send(wire.Events(request=request, events=(Finished("failed", Usage(), error),)))

    async def _ask(self, frame: wire.Ask) -> None:
        answer = Refusal("EngineError", "no model is loaded yet; ask again")
        answered = wire.Answered(request=frame.request, answer=answer)
        if self.engine is not None:
            answered = wire.Answered(request=frame.request, answer=await self.engine.ask(frame.query))
        self.send(answered)
        await self._writer.drain()

    async def _unload(self, frame: wire.Unload) -> None:
        try:
            await self._host.pool.unload(frame.model)
        except MistralTuiError as error:
            self.send(wire.Unloaded(request=frame.request, refusal=Refusal.of(error)))
        else:
            self.send(wire.Unloaded(request=frame.request))

    def _cancel(self, request: str) -> None:
        if reply := self._replies.get(request):
            assert self.engine is not None
            reply.cancelled = True
            reply.credit.release()
            self._begin_quietly(self.engine.cancel(self._own_id(request)))
        elif task := self._tasks.get(request):
            task.cancel()  # a load, or a query

    def _forget(self, chat_id: str) -> None:
        """Forget a chat, unless another program has it open, too."""
        self._chats.discard(chat_id)
        others = (guest for guest in self._host.guests if guest is not self and guest.engine is self.engine)
        if self.engine is not None and not any(chat_id in guest._chats for guest in others):
            self._begin_quietly(self.engine.forget(chat_id))

    def _begin_quietly(self, work: Coroutine[Any, Any, None]) -> None:
        self._begin(secrets.token_hex(8), work)

    def _own_id(self, request: str) -> str:
        """Return the id of a request that no other connection can have."""
        return f"{self._number}-{request}"


async def serve(folder: Path, log_folder: Path, loader: str) -> None:
    """Be the host, unless there is one.

    Raises:
        CannotShare: The meeting place cannot be taken.
    """
    from filelock import FileLock, Timeout  # only here: programs that do not share need none

    meeting = meeting_in(folder)
    meeting.prepare()
    lock = FileLock(folder / "host.lock")
    deadline = asyncio.get_running_loop().time() + OTHERS_SECONDS
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if asyncio.get_running_loop().time() > deadline:
                raise CannotShare(f"another host holds {folder} and does not answer; end it") from None
        with suppress(NobodyThere):
            _, writer = await meeting.connect()
            writer.close()
            _say("ready")  # another one was faster
            return
        await asyncio.sleep(0.02)
    try:
        await Host(meeting, EnginePool(log_folder, loader)).run(lambda: _say("ready"))
    finally:
        lock.release()


def _say(line: str) -> None:
    """Tell the program that started this process, and be on our own from then on."""
    print(line, flush=True)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def main() -> None:
    """Run a host until nobody needs it any more."""
    folder, log_folder, loader = sys.argv[1:]
    os.umask(0o077)
    try:
        asyncio.run(serve(Path(folder), Path(log_folder), loader))
    except MistralTuiError as error:
        _say(str(error))


if __name__ == "__main__":
    main()
