"""Devices behind RPC workers, and an end with a plain cause when one of the workers is gone.

llama.cpp's client knows no time limits and no errors: it waits for ever, or aborts the process. So its connections
get time limits from the operating system, and an abort because of one of them says which worker it was.
"""

import ctypes
import os
import socket
import stat
import struct
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, Final

import psutil

from mistral_tui.engines.gguf.devices import Device, describe
from mistral_tui.engines.gguf.library import ggml
from mistral_tui.engines.gguf.placement import RPC
from mistral_tui.engines.rpc_probe import PATIENCE, RpcWorker, probe_workers
from mistral_tui.processes.exit_status import GAVE_UP
from mistral_tui.types.errors import EngineError

LOADING_SECONDS: Final = 60
"""How long a worker may be silent while a model is loaded: it allocates, and may read from a slow disk."""
LEAST_SECONDS: Final = 15
"""How long a worker may be silent at least while it computes; see `RpcWorkers.compute_within`."""
_ABORTS: Final = ("Remote RPC server", "RPC handshake failed", "Failed to connect to")
"""Beginnings of what llama.cpp says when it aborts because of a worker."""
_MOST_FILES: Final = 4096


@cache
def connect(addresses: tuple[str, ...]) -> "RpcWorkers":
    """Return the workers at these addresses, connected as long as this process lives.

    Args:
        addresses: Each `HOST:PORT`.

    Raises:
        EngineError: One of them does not answer, or this build has no RPC.
    """
    return RpcWorkers(addresses)


class RpcWorkers:
    """The workers that take layers of the model in this process. Made by `connect`."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.devices: list[Device] = []
        self._sockets: dict[str, list[socket.socket]] = {}
        self._threads: dict[int, str] = {}
        """Which worker a thread of llama.cpp waits for, where the system tells threads apart."""
        if not addresses:
            return
        add_server = function("ggml_backend_rpc_add_server", ctypes.c_void_p, ctypes.c_char_p)
        self._kept = _on_abort(self._name_culprit)
        for worker in probe_workers(addresses):
            self._connect(worker, add_server)
        self._allow(LOADING_SECONDS)

    def compute_within(self, seconds: float) -> None:
        """From now on allow this much silence, or `LEAST_SECONDS`: what the slowest computation may take."""
        self._allow(max(seconds, LEAST_SECONDS))

    def _connect(self, worker: RpcWorker, add_server: Any) -> None:
        # It has just answered; but if another program has come between, llama.cpp would wait for that one to end.
        patience = threading.Timer(PATIENCE, _give_up, [f"the RPC worker {worker.address} works for another program"])
        patience.daemon = True
        patience.start()
        threads, files = _threads(), _sockets_to(worker.endpoint)
        registry = add_server(worker.endpoint.encode())
        if not registry:
            raise EngineError(f"the RPC worker {worker.address} has no devices; start it anew")
        count = ggml("ggml_backend_reg_dev_count", ctypes.c_size_t, ctypes.c_void_p)(registry)
        get = ggml("ggml_backend_reg_dev_get", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        for number in range(count):
            handle = get(registry, number)
            # A backend keeps the connection; without one llama.cpp closes it whenever nothing is allocated.
            ggml("ggml_backend_dev_init", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(handle, None)
            self.devices.append(replace(describe(handle), type=RPC, description=f"RPC {worker.address}"))
        patience.cancel()
        self._threads |= dict.fromkeys(_threads() - threads, worker.address)
        connections = _sockets_to(worker.endpoint)
        self._sockets[worker.address] = [socket.socket(fileno=os.dup(file)) for file in connections - files]

    def _allow(self, seconds: float) -> None:
        """Let sending and receiving fail after this much silence; Windows shows no sockets of others."""
        limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
        for connection in self._connections():
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                with suppress(OSError):  # it is closed already; the next computation notices
                    connection.setsockopt(socket.SOL_SOCKET, option, limit)

    def _connections(self) -> list[socket.socket]:
        return [connection for connections in self._sockets.values() for connection in connections]

    def _name_culprit(self) -> None:
        gone = [address for address, connections in self._sockets.items() if any(map(_closed, connections))]
        silent = self._threads.get(threading.get_native_id())
        if gone:
            _give_up(f"the RPC worker {' and '.join(gone)} is gone")
        elif silent or len(self._sockets) == 1:
            _give_up(f"the RPC worker {silent or next(iter(self._sockets))} does not answer any more")
        else:
            _give_up(f"one of the RPC workers {', '.join(self._sockets)} does not answer any more")


def function(name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of llama.cpp's RPC.

    Raises:
        EngineError: This build has no RPC.
    """
    registry = ggml("ggml_backend_reg_by_name", ctypes.c_void_p, ctypes.c_char_p)(b"RPC")
    if not registry:
        raise EngineError('this build of llama.cpp has no RPC; build it with CMAKE_ARGS="-DGGML_RPC=on"')
    find = ggml("ggml_backend_reg_get_proc_address", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
    return ctypes.CFUNCTYPE(result, *arguments)(find(registry, name.encode()))


def _on_abort(act: Any) -> Any:
    """Call `act` when llama.cpp is about to abort because of a worker; of other aborts only the reason is printed."""

    def aborting(message: bytes) -> None:
        text = message.decode("utf-8", "replace")
        print(text, file=sys.stderr, flush=True)
        if any(beginning in text for beginning in _ABORTS):
            act()

    prototype = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
    callback = prototype(aborting)
    ggml("ggml_set_abort_callback", ctypes.c_void_p, prototype)(callback)
    return callback


def _give_up(cause: str) -> None:
    print(cause, file=sys.stderr, flush=True)
    os._exit(GAVE_UP)


def _sockets_to(endpoint: str) -> set[int]:
    """Return the files of this process that are connected to an address."""
    host, _, port = endpoint.rpartition(":")
    found = set()
    for file in range(3, _MOST_FILES):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(file).st_mode) and _peer(file) == (host, int(port)):
                found.add(file)
    return found


def _peer(file: int) -> object:
    with socket.socket(fileno=os.dup(file)) as connection:
        return connection.getpeername()


def _closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _threads() -> set[int]:
    return {thread.id for thread in psutil.Process().threads()}
