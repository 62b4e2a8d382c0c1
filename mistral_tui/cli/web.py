"""`mistral-tui --web`: the interface in a browser on this machine."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

from mistral_tui.types.errors import EngineError

PORT = 8000
"""Where it listens unless another port is asked for."""


def serve(arguments: Sequence[str], port: int) -> int:
    """Serve the interface until ctrl+c, and return the exit status.

    Each tab of a browser gets a program of its own, with the arguments of this one; all share the loaded models.

    Args:
        arguments: What follows the program's name.
        port: Where to listen; 0 takes a free port.

    Raises:
        EngineError: What it takes is not installed, or the port is taken.
    """
    try:
        from mistral_tui.tui.web.server import WebInterface
    except ModuleNotFoundError as error:
        raise EngineError(f"--web needs {error.name}: pip install 'mistral-tui[web]'") from None
    program = (sys.executable, "-P", "-m", "mistral_tui", "--share", *without_web(arguments))
    server = WebInterface(program, port)
    asyncio.run(server.run(lambda: _say(server.address)))
    return 0


def without_web(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of the program that a tab gets."""
    kept = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--web-port":
            next(rest, None)
        elif argument != "--web" and not argument.startswith("--web-port="):
            kept.append(argument)
    return kept


def end_with_server() -> None:
    """Let the program of a tab end also when its server was killed and could not say so."""
    server = os.getppid()

    def watch() -> None:
        while os.getppid() == server:  # Windows never tells: there a killed server leaves its tabs behind
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="server watch", daemon=True).start()


def _say(address: str) -> None:
    print(f"open {address}\nin a browser on this machine; ctrl+c here ends it", flush=True)
