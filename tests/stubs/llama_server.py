"""The server of llama-cpp-python with a real model, on this machine only."""

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120.0


@contextmanager
def llama_server(
    model: Path, alias: str, log: Path, *, n_ctx: int = 512, chat_format: str | None = None
) -> Iterator[str]:
    """Run the server and give its address; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags: dict[str, object] = {
        "model": model,
        "model_alias": alias,
        "host": "127.0.0.1",
        "port": port,
        "n_ctx": n_ctx,
        "n_threads": 1,
    }
    if chat_format is not None:
        flags["chat_format"] = chat_format
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    with log.open("wb") as output:
        server = subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *words], stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        until_there(f"{url}/models", server, log)
        yield url
    finally:
        server.kill()
        server.wait()


def until_there(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url):
            return
        if server.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the server does not come up: {log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)
