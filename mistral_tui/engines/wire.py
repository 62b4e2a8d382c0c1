"""What the program and a worker process, or a host of several, say to each other.

The first frame in each direction is `Hello`; `mistral_tui.processes.frames` says how frames become bytes.
"""

import os

import msgspec

from mistral_tui import __version__
from mistral_tui.processes.frames import LENGTH_BYTES, WireError, encode, kind_of
from mistral_tui.types.events import EngineEvent
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.pool import HeldModel, PoolLimits
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

PROTOCOL_VERSION = 1
EVENTS_IN_FLIGHT = 4
"""Frames of events that one request may have on the way before the reader asks for more."""


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


def encode_checked(frame: "Generate | Ask") -> bytes:
    """Do what `encode` does for a frame full of what others gave; who gets one that cannot be read leaves.

    Raises:
        WireError: As for `encode`, or a value is of another type than it should be.
    """
    encoded = encode(frame)
    try:
        _asked.decode(memoryview(encoded)[LENGTH_BYTES:])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise WireError(f"cannot send this {kind_of(frame)}: {error}") from error
    return encoded


_asked: "msgspec.msgpack.Decoder[Generate | Ask]" = msgspec.msgpack.Decoder(Generate | Ask)


def check_hello(frame: object) -> Hello:
    """Return `frame` if it opens a conversation in this version of the protocol.

    Raises:
        WireError: It does not.
    """
    if not isinstance(frame, Hello):
        raise WireError(f"the first frame is {kind_of(frame)} and not hello")
    if frame.version != PROTOCOL_VERSION:
        raise WireError(
            f"the other side (mistral-tui {frame.build}) speaks version {frame.version} of the worker protocol, "
            f"this one (mistral-tui {__version__}) version {PROTOCOL_VERSION}; restart mistral-tui"
        )
    return frame
