"""RPC workers as processes of their own, and things at their address that are none."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

_START = 60.0


@contextmanager
def rpc_worker(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run `mistral-tui rpc-worker` on a free port; yield its address and process."""
    command = [sys.executable, "-m", "mistral_tui", "rpc-worker", "--port", "0", "--threads", "1", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening at "), line
            yield line.split()[2], process
        finally:
            process.kill()


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen at a free port and give every connection to `answer`, which may let it hang; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # closed
                    return
                kept.append(connection)
                answer(connection)

        kept: list[socket.socket] = []
        threading.Thread(target=accept, daemon=True).start()
        host, port = server.getsockname()
        yield f"{host}:{port}"
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def silence(connection: socket.socket) -> None:
    """Say nothing."""


def speak_http(connection: socket.socket) -> None:
    """Answer like a web server that was sent something strange."""
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def speak_old_rpc(connection: socket.socket) -> None:
    """Answer like a worker of another version of llama.cpp."""
    connection.recv(33)
    connection.sendall(b"\x1c" + bytes(7) + b"\x63\x01\x00" + bytes(25))


def closed_port() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
    return f"{host}:{port}"


@contextmanager
def black_hole() -> Iterator[str]:
    """Yield an address at which connecting takes for ever: the queue of its listener is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        host, port = server.getsockname()
        yield f"{host}:{port}"
