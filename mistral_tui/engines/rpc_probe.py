"""Asks llama.cpp's RPC workers who they are, under a time limit.

llama.cpp's own client connects and reads without any limit, and ends the process when the other side is not what it
expects. So a worker is asked here first, in its own protocol (ggml-rpc.cpp, protocol 7 of the pinned version).
"""

import socket
import struct
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import Final

from mistral_tui.types.errors import EngineError

PATIENCE: Final = 4.0
"""Seconds for everything that one worker is asked."""
_MAJOR, _MINOR = 7, 0
_HELLO, _DEVICE_COUNT, _DEVICE_MEMORY = 14, 15, 11
_CAPABILITIES: Final = bytes(24)
_MOST_DEVICES: Final = 64


@dataclass(frozen=True)
class RpcWorker:
    """A worker that answered."""

    address: str
    """As the person wrote it."""
    endpoint: str
    """The same with the host as a number."""
    memory: tuple[tuple[int, int], ...]
    """Free and total bytes of each of its devices."""


def probe_workers(addresses: Sequence[str]) -> list[RpcWorker]:
    """Ask all workers at once.

    Args:
        addresses: Each `HOST:PORT`.

    Raises:
        EngineError: One of them cannot be reached, is no RPC worker, or is busy; within `PATIENCE`.
    """
    answers = [_begin(address) for address in addresses]
    return [_result(answer, address) for answer, address in zip(answers, addresses, strict=True)]


def _begin(address: str) -> "Future[RpcWorker]":
    # A thread of its own, never joined: the system's resolver knows no time limit.
    answer: Future[RpcWorker] = Future()

    def ask() -> None:
        try:
            answer.set_result(_ask(address))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name=f"asks {address}", daemon=True).start()
    return answer


def _result(answer: "Future[RpcWorker]", address: str) -> RpcWorker:
    start = f"start `mistral-tui rpc-worker` there, or leave {address} out of --rpc"
    try:
        return answer.result(PATIENCE + 1)
    except _NotAWorker as error:
        raise EngineError(f"{address} {error}") from None
    except socket.gaierror:
        raise EngineError(f"the RPC worker {address} cannot be found: no machine has this name; {start}") from None
    except ConnectionRefusedError:
        raise EngineError(f"no RPC worker listens at {address}; {start}") from None
    except TimeoutError:
        raise EngineError(
            f"the RPC worker {address} does not answer within {PATIENCE:g} s: nobody is there, or it works for another "
            f"program (it takes one at a time); {start}"
        ) from None
    except OSError as error:
        raise EngineError(f"the RPC worker {address} cannot be reached: {error.strerror or error}; {start}") from None


class _NotAWorker(Exception):
    """Says what it is instead."""


def _ask(address: str) -> RpcWorker:
    host, _, port = address.rpartition(":")
    deadline = monotonic() + PATIENCE
    number = socket.getaddrinfo(host, int(port), socket.AF_INET, socket.SOCK_STREAM)[0][4]
    with socket.create_connection((str(number[0]), int(port)), timeout=PATIENCE) as connection:
        asked = _Conversation(connection, deadline)
        major, minor, patch = asked.call(_HELLO, _CAPABILITIES, 28)[:3]
        if major != _MAJOR or minor > _MINOR:
            raise _NotAWorker(
                f"speaks version {major}.{minor}.{patch} of llama.cpp's RPC, and this program {_MAJOR}.{_MINOR}; "
                "install the same version on both machines"
            )
        (count,) = struct.unpack("<I", asked.call(_DEVICE_COUNT, b"", 4))
        if not 0 < count <= _MOST_DEVICES:
            raise _NotAWorker(f"is an RPC worker with {count} devices; start it with one at least")
        memory = [struct.unpack("<QQ", asked.call(_DEVICE_MEMORY, struct.pack("<I", n), 16)) for n in range(count)]
    return RpcWorker(address, f"{number[0]}:{port}", tuple((free, total) for free, total in memory))


class _Conversation:
    """Requests and answers: a byte for the command, lengths as 64-bit numbers."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def call(self, command: int, request: bytes, length: int) -> bytes:
        try:
            self._connection.sendall(struct.pack("<BQ", command, len(request)) + request)
            if self._receive(8) == struct.pack("<Q", length):
                return self._receive(length)
        except (ConnectionResetError, BrokenPipeError, EOFError):
            raise _NotAWorker("is no RPC worker of llama.cpp, or one of another version: it hangs up") from None
        raise _NotAWorker("is no RPC worker of llama.cpp, or one of an old version: it answers with something else")

    def _receive(self, length: int) -> bytes:
        received = b""
        while len(received) < length:
            left = self._deadline - monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            piece = self._connection.recv(length - len(received))
            if not piece:
                raise EOFError
            received += piece
        return received
