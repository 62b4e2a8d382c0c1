"""Frames between two processes of the program: how they are cut out of a byte stream.

A frame is a length of four bytes, big-endian, and that many bytes of msgpack: one tagged struct. Frames travel over
any duplex byte stream. Which structs there are is told by each protocol. This module does no input or output itself.
"""

from types import UnionType
from typing import Generic, TypeVar

import msgspec

from mistral_tui.types.errors import EngineError

MAX_FRAME = 8 * 1024 * 1024
"""Bytes of a frame's body. Pixels and sound go by file."""
LENGTH_BYTES = 4

_encoder = msgspec.msgpack.Encoder()
F = TypeVar("F")


class WireError(EngineError):
    """The bytes are not frames of this protocol, or a frame is too large."""


def encode(frame: msgspec.Struct) -> bytes:
    """Return the bytes of one frame.

    Raises:
        WireError: The frame is too large, or holds something that cannot be written, such as half a surrogate pair.
    """
    try:
        body = _encoder.encode(frame)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"cannot send this {kind_of(frame)}: {error}") from error
    if len(body) > MAX_FRAME:
        raise WireError(
            f"this {kind_of(frame)} has {len(body) / 2**20:.1f} MB, more than the {MAX_FRAME >> 20} MB that fit at "
            "once; make it shorter"
        )
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class FrameDecoder(Generic[F]):
    """Turns chunks of a byte stream, cut anywhere, into frames.

    Args:
        frames: The union of frames that may arrive.
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


def kind_of(frame: object) -> str:
    """Return what people call a frame."""
    return type(frame).__name__.lower()
