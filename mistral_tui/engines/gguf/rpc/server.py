"""An RPC worker of llama.cpp: this machine's devices, for models of other programs."""

import ctypes
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mistral_tui.engines.cores import usable_cores
from mistral_tui.engines.gguf.devices import Device, accelerators, devices
from mistral_tui.engines.gguf.library import log
from mistral_tui.engines.gguf.rpc.workers import function
from mistral_tui.engines.rpc_probe import probe_workers
from mistral_tui.types.errors import EngineError, InvalidRequest

_START_SECONDS: Final = 20.0


@dataclass(frozen=True)
class RpcServer:
    """A worker that listens, on a thread that only the end of the process ends."""

    address: str
    devices: tuple[Device, ...]
    threads: int
    _thread: threading.Thread

    def wait(self) -> None:
        """Return when it has failed; ctrl+c gets through."""
        while self._thread.is_alive():
            self._thread.join(1)


def serve(host: str, port: int, threads: int | None = None, names: Sequence[str] = ()) -> RpcServer:
    """Listen, and return when the worker answers.

    llama.cpp prints who connects to standard output, which is led to standard error for the rest of this process.

    Args:
        host: An IPv4 address of this machine, or a name for one; 0.0.0.0 is all.
        port: 0 chooses a free one.
        threads: Threads of a computation on the CPU; `None`: one for each core.
        names: Devices to lend, by their names in `mistral-tui doctor`; without any the GPUs, or else the CPU.

    Raises:
        InvalidRequest: There is no such device or no such address.
        EngineError: The address is taken or closed to us, or this build has no RPC.
    """
    log()
    lent = _choose(names)
    threads = threads or usable_cores()
    pointers = (ctypes.c_void_p * len(lent))(*(device.handle for device in lent))
    kinds = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
    start = function("ggml_backend_rpc_start_server", None, *kinds)
    number, port = _free_address(host, port)
    address = f"{number}:{port}"
    os.dup2(sys.stderr.fileno(), 1)

    def run() -> None:
        start(address.encode(), None, threads, len(lent), pointers)  # comes back only if it fails

    thread = threading.Thread(target=run, name=f"listens at {address}", daemon=True)
    thread.start()
    _await_answer(f"127.0.0.1:{port}" if number == "0.0.0.0" else address, thread)
    return RpcServer(address, lent, threads, thread)


def _choose(names: Sequence[str]) -> tuple[Device, ...]:
    there = devices()
    if not names:
        return tuple(accelerators() or [device for device in there if device.type == "cpu"])
    by_name = {device.name.lower(): device for device in there}
    for name in names:
        if name.lower() not in by_name:
            raise InvalidRequest(f"there is no device {name}; there is {', '.join(device.name for device in there)}")
    return tuple(by_name[name.lower()] for name in names)


def _free_address(host: str, port: int) -> tuple[str, int]:
    """Return address and port as numbers, after trying whether they are ours to take."""
    try:
        number = socket.gethostbyname(host)
    except OSError:
        raise InvalidRequest(f"{host!r} is no IPv4 address; 127.0.0.1 is for this machine only") from None
    try:
        with socket.create_server((number, port), family=socket.AF_INET) as trial:
            return number, int(trial.getsockname()[1])
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise EngineError(f"cannot listen at {host}:{port}: {reason}; choose another --port or --host") from None


def _await_answer(address: str, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            probe_workers([address])
            return
        except EngineError as error:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise EngineError(f"the RPC worker does not start at {address}: {error}") from None
        time.sleep(0.05)
