"""Does what the program asks of its tools: holds the connections to servers, and the calls that are on their way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mistral_tui.config.paths import Paths
from mistral_tui.processes.frames import WireError
from mistral_tui.tools import wire
from mistral_tui.tools.arguments.checker import Checker
from mistral_tui.tools.mcp.client.vault import Vault
from mistral_tui.types.errors import MistralTuiError, ToolError
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import ToolProgress

if TYPE_CHECKING:
    from mistral_tui.tools.mcp.client.connection import Connection

_log = logging.getLogger(__name__)


class Desk:
    """Everything that goes on in the process of the tools.

    Args:
        send: Takes a frame for the program.
    """

    def __init__(self, send: Callable[[wire.FromTools], None]) -> None:
        self._send = send
        self._connections: dict[str, Connection] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._checker = Checker()
        self._vault = Vault(Paths.resolve().mcp_logins)

    def handle(self, frame: wire.ToTools) -> None:
        """Do what a frame asks; never waits."""
        match frame:
            case wire.Use():
                self._use(frame.servers, Path(frame.folder))
            case wire.Restart():
                self._restart(frame.server)
            case wire.Call():
                self._begin(frame, self._call(frame))
            case wire.Check():
                self._begin(frame, self._check(frame))
            case wire.LogIn():
                self._begin(frame, self._log_in(frame))
            case wire.Cancel():
                if call := self._calls.get(frame.request):
                    call.cancel()
            case wire.Hello():
                pass

    async def close(self) -> None:
        """End all calls, connections and servers, all at once."""
        for call in self._calls.values():
            call.cancel()
        ending = [connection.close() for connection in self._connections.values()]
        await asyncio.gather(*ending, *self._closing, self._checker.close(), return_exceptions=True)

    def _use(self, servers: tuple[McpServer, ...], folder: Path) -> None:
        self._folder = folder
        wanted = {server.name: server for server in servers if server.enabled}
        for name, connection in list(self._connections.items()):
            if wanted.get(name) != connection.server:
                del self._connections[name]
                self._end(connection)
        for name, server in wanted.items():
            if name not in self._connections:
                self._connections[name] = self._connection(server)

    def _restart(self, name: str) -> None:
        old = self._connections.get(name)
        if old is not None:
            self._end(old)
            self._connections[name] = self._connection(old.server)

    def _connection(self, server: McpServer) -> "Connection":
        from mistral_tui.tools.mcp.client.connection import Connection  # the SDK takes half a second, and is an extra

        return Connection(server, self._folder, self._vault, self._tell)

    def _end(self, connection: "Connection") -> None:
        task = asyncio.create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _begin(self, frame: wire.Asked, answer: Awaitable[wire.FromTools]) -> None:
        self._calls[frame.request] = asyncio.create_task(self._answer(frame, answer))

    async def _answer(self, frame: wire.Asked, answer: Awaitable[wire.FromTools]) -> None:
        place = frame.place
        try:
            self._send(await answer)
        except WireError:
            self._refuse(frame.request, ToolError(f"{place} answered more than can be taken; ask for less"))
        except MistralTuiError as error:
            self._refuse(frame.request, error)
        except asyncio.CancelledError:
            self._refuse(frame.request, ToolError(f"{place} was cancelled"))
        except Exception as error:
            _log.exception("a call failed unexpectedly")
            self._refuse(frame.request, ToolError(f"{place} failed: {error!r}"[:400]))
        finally:
            self._calls.pop(frame.request, None)

    async def _call(self, frame: wire.Call) -> wire.Returned:
        def progressed(progress: ToolProgress) -> None:
            self._send(wire.Progressed(request=frame.request, progress=progress))

        output = await self._connection_of(frame).call(frame.tool, frame.arguments, progressed)
        return wire.Returned(request=frame.request, output=output)

    async def _check(self, frame: wire.Check) -> wire.Checked:
        tools = self._connection_of(frame).state.tools
        tool = next((tool for tool in tools if tool.tool == frame.tool), None)
        if tool is None:
            raise ToolError(f"{frame.server}/{frame.tool} is not there any more; its server is not ready, or lost it")
        await self._checker.check(frame.name, tool.parameters, frame.arguments)
        return wire.Checked(request=frame.request)

    async def _log_in(self, frame: wire.LogIn) -> wire.LoggedIn:
        from mistral_tui.tools.mcp.client.login import log_in

        def show(address: str) -> None:
            self._send(wire.LoginAt(request=frame.request, address=address))

        await log_in(frame.at, self._vault, show)
        self._restart(frame.server)
        return wire.LoggedIn(request=frame.request)

    def _connection_of(self, frame: wire.Asked) -> "Connection":
        connection = self._connections.get(frame.server)
        if connection is None:
            raise ToolError(f"{frame.place}: there is no such server; see mistral-tui mcp list")
        return connection

    def _refuse(self, request: str, error: MistralTuiError) -> None:
        self._send(wire.Refused(request=request, error=type(error).__name__, message=str(error)))

    def _tell(self, state: ServerState) -> None:
        if any(connection.state is state for connection in self._connections.values()) or state.health == "stopped":
            self._send(wire.ServerChanged(state=state))
