"""Frames between the program and a worker process, or a host of several: the codec and the protocol version.

A frame is a length of four bytes, big-endian, and that many bytes of msgpack: one tagged struct. Frames travel over
any duplex byte stream. The first frame in each direction is `Hello`. This module does no input or output itself.
"""

import os
from types import UnionType
from typing import Generic, TypeVar

import msgspec

from mistral_tui import __version__
from mistral_tui.types.errors import EngineError
from mistral_tui.types.events import EngineEvent
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.pool import HeldModel, PoolLimits
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

PROTOCOL_VERSION = 1
MAX_FRAME = 8 * 1024 * 1024
"""Bytes of a frame's body. Pixels and sound go by file."""
EVENTS_IN_FLIGHT = 4
"""Frames of events that one request may have on the way before the reader asks for more."""

LENGTH_BYTES = 4


class WireError(EngineError):
    """The bytes are not frames of this protocol, or a frame is too large."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What every frame carries."""

    client: str = ""
    """Who talks; a worker may serve several programs."""
    request: str = ""
    """Which load or generation it belongs to; unique per client."""


class Hello(Frame, frozen=True, tag="hello"):
    """The first frame in each direction."""

    version: int = PROTOCOL_VERSION
    pid: int = msgspec.field(default_factory=os.getpid)
    build: str = __version__
    nonce: str = ""
    """Between a program and a host: what the other side is to prove itself with."""
    proof: str = ""
    """Of the host: that it knows the secret of the place where the two met."""


class Load(Frame, frozen=True, tag="load"):
    """Load a model. Answered by `Loading` several times, then `Loaded` or `LoadFailed`."""

    path: str
    name: str
    options: LoadOptions
    plain_kernels: bool = False
    """Load without the CPU kernels that crash on some machines."""


class Generate(Frame, frozen=True, tag="generate"):
    """Write a reply. Answered by `Events`, the last of which ends with `Finished`."""

    prompt: GenerateRequest


class Ask(Frame, frozen=True, tag="ask"):
    """Answer a query. Answered by `Answered`."""

    query: Query


class More(Frame, frozen=True, tag="more"):
    """The reader of a request has used up one frame of events."""


class Cancel(Frame, frozen=True, tag="cancel"):
    """Stop a load, a generation or a query; it still ends in its usual way."""


class Forget(Frame, frozen=True, tag="forget"):
    """Release what the KV cache keeps for a chat."""

    chat_id: str


class Threads(Frame, frozen=True, tag="threads"):
    """Compute with at most so many threads from now on."""

    count: int


class Loading(Frame, frozen=True, tag="loading"):
    """How far a load has come."""

    progress: LoadProgress


class Loaded(Frame, frozen=True, tag="loaded"):
    """The model is loaded."""

    model: LoadedModel


class LoadFailed(Frame, frozen=True, tag="load_failed"):
    """The model cannot be loaded."""

    error: str
    """Name of a class of `mistral_tui.types.errors`."""
    message: str


class Events(Frame, frozen=True, tag="events"):
    """What happened in a generation since the last such frame, oldest first."""

    events: tuple[EngineEvent, ...]


class Answered(Frame, frozen=True, tag="answered"):
    """The answer to a query."""

    answer: Answer


class Prove(Frame, frozen=True, tag="prove"):
    """The second frame of a program to a host: that it knows the secret, too."""

    proof: str


class Limit(Frame, frozen=True, tag="limit"):
    """Let a host hold models within other limits than now."""

    limits: PoolLimits


class ListLoaded(Frame, frozen=True, tag="list_loaded"):
    """Tell what a host has loaded. Answered by `LoadedList`."""


class LoadedList(Frame, frozen=True, tag="loaded_list"):
    """What a host has loaded."""

    models: tuple[HeldModel, ...]


class Unload(Frame, frozen=True, tag="unload"):
    """Unload a model of a host. Answered by `Unloaded`."""

    model: str
    """Its name, or the path of its file."""


class Unloaded(Frame, frozen=True, tag="unloaded"):
    """The model is unloaded, or there is a reason why not."""

    refusal: Refusal | None = None


class Notice(Frame, frozen=True, tag="notice"):
    """What the person should know of the model that was loaded over this connection."""

    text: str


ToWorker = Hello | Load | Generate | Ask | More | Cancel | Forget | Threads
FromWorker = Hello | Loading | Loaded | LoadFailed | Events | Answered
ToHost = ToWorker | Prove | Limit | ListLoaded | Unload
FromHost = FromWorker | LoadedList | Unloaded | Notice

_encoder = msgspec.msgpack.Encoder()
F = TypeVar("F")


def encode(frame: ToHost | FromHost) -> bytes:
    """Return the bytes of one frame.

    Raises:
        WireError: The frame is too large, or holds something that cannot be written, such as half a surrogate pair.
    """
    try:
        body = _encoder.encode(frame)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"cannot send this {_tag(frame)}: {error}") from error
    if len(body) > MAX_FRAME:
        raise WireError(
            f"this {_tag(frame)} has {len(body) / 2**20:.1f} MB, more than the {MAX_FRAME >> 20} MB that fit at once; "
            "make it shorter"
        )
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def encode_checked(frame: "Generate | Ask") -> bytes:
    """Do what `encode` does for a frame full of what others gave; who gets one that cannot be read leaves.

    Raises:
        WireError: As for `encode`, or a value is of another type than it should be.
    """
    encoded = encode(frame)
    try:
        _asked.decode(memoryview(encoded)[LENGTH_BYTES:])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise WireError(f"cannot send this {_tag(frame)}: {error}") from error
    return encoded


_asked: "msgspec.msgpack.Decoder[Generate | Ask]" = msgspec.msgpack.Decoder(Generate | Ask)


class FrameDecoder(Generic[F]):
    """Turns chunks of a byte stream, cut anywhere, into frames.

    Args:
        frames: The union of frames that may arrive: `ToWorker`, `FromWorker`, `ToHost` or `FromHost`.
    """

    def __init__(self, frames: type[F] | UnionType) -> None:
        self._decoder: msgspec.msgpack.Decoder[F] = msgspec.msgpack.Decoder(frames)
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[F]:
        """Return the frames that `chunk` completes.

        Raises:
            WireError: These are not frames of this protocol. Nothing that follows can be read.
        """
        self._buffer += chunk
        frames: list[F] = []
        start = 0
        while len(self._buffer) - start >= LENGTH_BYTES:
            body = start + LENGTH_BYTES
            end = body + self._length(start)
            if len(self._buffer) < end:
                break
            frames.append(self._decode(bytes(self._buffer[body:end])))
            start = end
        del self._buffer[:start]
        return frames

    def _length(self, start: int) -> int:
        length = int.from_bytes(self._buffer[start : start + LENGTH_BYTES], "big")
        if not 0 < length <= MAX_FRAME:
            raise WireError(f"not a frame of this program: it claims a length of {length} bytes")
        return length

    def _decode(self, body: bytes) -> F:
        try:
            return self._decoder.decode(body)
        except Exception as error:  # besides msgspec's errors, whatever the checks of our own structs raise
            raise WireError(f"not a frame of this program: {error}") from error


def check_hello(frame: object) -> Hello:
    """Return `frame` if it opens a conversation in this version of the protocol.

    Raises:
        WireError: It does not.
    """
    if not isinstance(frame, Hello):
        raise WireError(f"the first frame is {_tag(frame)} and not hello")
    if frame.version != PROTOCOL_VERSION:
        raise WireError(
            f"the other side (mistral-tui {frame.build}) speaks version {frame.version} of the worker protocol, "
            f"this one (mistral-tui {__version__}) version {PROTOCOL_VERSION}; restart mistral-tui"
        )
    return frame


def _tag(frame: object) -> str:
    return type(frame).__name__.lower()
