"""A program's end of a connection to the host that holds shared models."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

from mistral_tui import __version__
from mistral_tui.engines import wire
from mistral_tui.engines.exchange import Exchange
from mistral_tui.engines.host.meeting import CannotShare, Meeting, NobodyThere
from mistral_tui.processes.frames import LENGTH_BYTES, FrameDecoder, WireError, encode
from mistral_tui.types.errors import EngineError, WorkerDied
from mistral_tui.types.pool import PoolLimits

HELLO_SECONDS: Final = 10.0
"""How long a host may take to say hello."""
CLOSE_SECONDS: Final = 0.5
"""How long a connection may take to send what is left."""
_LONGEST_HELLO: Final = 4096
_READ_BYTES: Final = 256 * 1024

OnNotice = Callable[[str], None]


class HostConnection(Exchange):
    """A connection to a host, for one model. Made by `open`; after its end every call says so."""

    cancel_seconds = 5.0
    """The host itself waits for its worker, and ends that after a while."""

    def __init__(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int, on_notice: OnNotice
    ) -> None:
        super().__init__(name)
        self._reader = reader
        self._writer = writer
        self._pid = pid
        self._on_notice = on_notice
        self._decoder = FrameDecoder[wire.FromHost](wire.FromHost)
        self._reading = asyncio.create_task(self._read(), name=f"frames from the host of {name}")

    @classmethod
    async def open(cls, meeting: Meeting, name: str, on_notice: OnNotice) -> "HostConnection":
        """Connect to the host that listens.

        Raises:
            NobodyThere: None does, or it has just ended.
            CannotShare: It is of another version of the program, or not the person's own.
        """
        reader, writer = await meeting.connect()
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await greet(meeting, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
            raise NobodyThere("the host has just ended") from None
        except TimeoutError:
            writer.close()
            raise CannotShare("the host does not answer") from None
        except BaseException:
            writer.close()
            raise
        return cls(name, reader, writer, hello.pid, on_notice)

    @property
    def pid(self) -> int:
        """The host's process id."""
        return self._pid

    def limit(self, limits: PoolLimits) -> None:
        """Let the host hold models within these limits."""
        self._send_to_host(wire.Limit(limits=limits))

    async def close(self) -> None:
        """Leave the host; requests that are still open fail."""
        if self._stopped_because is None:
            self._stopped_because = "was left"
        self._writer.close()
        try:
            await asyncio.wait({self._reading}, timeout=CLOSE_SECONDS)
        finally:
            self._break_off("was left")
        await self._reading

    def _send_to_host(self, frame: wire.ToHost) -> None:
        self._write(encode(frame))

    def _write(self, frame: bytes) -> None:
        # Never waits: what is written is small or asked for by a person, and a host always reads.
        if not self._writer.is_closing():
            self._writer.write(frame)

    def _break_off(self, because: str) -> None:
        if self._stopped_because is None:
            self._stopped_because = because
        self._writer.transport.abort()  # what it has not read yet may never leave

    def _over(self) -> str:
        return f"the host that shares {self._name} {self._stopped_because or 'has ended'}"

    def _death_of_a_load(self) -> EngineError:
        return WorkerDied(f"{self._over()} while loading; send the prompt again")

    async def _read(self) -> None:
        try:
            while chunk := await self._reader.read(_READ_BYTES):
                for frame in self._decoder.feed(chunk):
                    if isinstance(frame, wire.Notice):
                        self._on_notice(frame.text)
                    elif not isinstance(frame, wire.LoadedList | wire.Unloaded):
                        self._handle(frame)
        except ConnectionError:
            pass  # it was killed, or we have closed it
        except WireError as error:
            self._break_off(f"was left: {error}")
        finally:
            self._writer.close()
            self._cause = self._over()
            self._tell_all()


async def greet(meeting: Meeting, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> wire.Hello:
    """Say hello, and prove each other that both know the secret.

    Raises:
        CannotShare: It is no host, or one of another version.
        asyncio.IncompleteReadError: It is gone.
    """
    nonce = secrets.token_hex(16)
    writer.write(encode(wire.Hello(nonce=nonce)))
    length = await reader.readexactly(LENGTH_BYTES)
    try:
        # Until it has proved who it is, it may not send much.
        if int.from_bytes(length, "big") > _LONGEST_HELLO:
            raise WireError("not a frame of this program")
        body = await reader.readexactly(int.from_bytes(length, "big"))
        (frame,) = FrameDecoder[wire.FromHost](wire.FromHost).feed(length + body)
        hello = wire.check_hello(frame)
    except WireError as error:
        raise CannotShare(f"{error}") from None
    if hello.build != __version__:
        raise CannotShare(f"the host is of mistral-tui {hello.build} and this is {__version__}")
    if not meeting.is_proof(hello.proof, "host", nonce):
        raise CannotShare("the host does not know the secret of its meeting place")
    writer.write(encode(wire.Prove(proof=meeting.proof("program", hello.nonce))))
    return hello
