"""Serves the interface to browsers on this machine, by textual-serve."""

import asyncio
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aiohttp import web
from textual_serve.server import Server

from mistral_tui.tui.web.gate import Gate
from mistral_tui.types.errors import EngineError

HOST: Final = "127.0.0.1"
MOST_TABS: Final = 16
"""Each is a program with its own screen."""
_FOLDER: Final = Path(__file__).parent
_SECONDS_TO_CLOSE: Final = 5.0


class WebInterface(Server):
    """Starts a program for every tab, and ends it with the tab."""

    def __init__(self, program: Sequence[str], port: int) -> None:
        """Take the port, so that it is known whether that can be done.

        Args:
            program: The command line of the interface.
            port: Where to listen, on this machine only; 0 takes a free one.

        Raises:
            EngineError: The port is taken.
        """
        try:
            self._socket = socket.create_server((HOST, port))
        except OSError as error:
            reason = error.strerror or error
            raise EngineError(f"port {port} cannot be used: {reason}; choose another with --web-port") from None
        port = self._socket.getsockname()[1]
        super().__init__(_one_line(program), HOST, port, title="mistral-tui", templates_path=_FOLDER)
        self._gate = Gate(f"{HOST}:{port}")
        self._tabs = 0

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return self._gate.address

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until a signal ends it; `on_ready` is called when browsers may come."""
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                asyncio.get_running_loop().add_signal_handler(number, ended.set)
            except NotImplementedError:  # Windows: ctrl+c cancels the task instead
                break
        runner = web.AppRunner(await self._make_app(), access_log=None, shutdown_timeout=_SECONDS_TO_CLOSE)
        await runner.setup()
        try:
            await web.SockSite(runner, self._socket).start()
            on_ready()
            await ended.wait()
        finally:
            await runner.cleanup()

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing."""

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a program for a tab, unless there are too many."""
        if self._tabs >= MOST_TABS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_TABS} tabs are open, which is the most; close one\n")
        self._tabs += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._tabs -= 1

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.router.add_get("/page.js", self._script)
        app.middlewares.append(self._gate.middleware)
        app.on_response_prepare.append(self._gate.add_headers)
        return app

    async def _script(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_FOLDER / "page.js")


def _one_line(program: Sequence[str]) -> str:
    """Return a command line for the shell, by which textual-serve starts programs."""
    # "exec": no shell stays between the two, and what ends the one ends the other.
    return subprocess.list2cmdline(program) if sys.platform == "win32" else f"exec {shlex.join(program)}"
