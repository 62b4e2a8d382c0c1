"""One MCP server: the task that owns its connection, keeps it alive, and calls its tools."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import mcp_types
import msgspec
from mcp import Client, MCPError

from mistral_tui import __version__
from mistral_tui.tools.mcp.client.failures import first, is_end, line_of
from mistral_tui.tools.mcp.client.http import http_transport
from mistral_tui.tools.mcp.client.peer import Peer
from mistral_tui.tools.mcp.client.results import output_of, tool_of
from mistral_tui.tools.mcp.client.stdio import ServerProcess, stdio_transport
from mistral_tui.tools.mcp.client.tap import Streams, tapped
from mistral_tui.tools.mcp.client.vault import Vault
from mistral_tui.tools.mcp.client.watched_http import words_of
from mistral_tui.types.errors import ServerFailed, ToolError
from mistral_tui.types.messages import Json
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import Tool, ToolOutput, ToolProgress

if TYPE_CHECKING:
    from mistral_tui.tools.mcp.client.oauth import OAuth

_PAGES: Final = 50
_MOST_TOOLS: Final = 1000
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_STEADY_SECONDS: Final = 30.0
"""A server that was ready for so long is not one that cannot start."""
_TRIES: Final = 4
"""Starts in a row that may fail before nobody tries again unasked."""

_log = logging.getLogger(__name__)


class Connection:
    """A server, and the one task that opens and closes its connection.

    Args:
        server: How to reach it.
        folder: Where pictures and sounds go that it answers with.
        vault: The logins of the person.
        on_change: Told of every new state.
    """

    def __init__(self, server: McpServer, folder: Path, vault: Vault, on_change: Callable[[ServerState], None]) -> None:
        self.server = server
        self.state = ServerState(server.name)
        self._folder = folder
        self._vault = vault
        self._on_change = on_change
        self._client: Client | None = None
        self._slots = asyncio.Semaphore(server.calls_at_once)
        self._settled = asyncio.Event()
        """Set while it is ready, or nobody tries to start it any more."""
        self._peer = Peer()
        """The other side of the present connection."""
        self._owner = asyncio.create_task(self._own(), name=f"MCP server {server.name}")

    async def call(self, tool: str, arguments: Json, on_progress: Callable[[ToolProgress], None]) -> ToolOutput:
        """Call a tool; cancelling this cancels the call at the server.

        Raises:
            ServerFailed: The server is not there, or ends in the middle of the call.
            ToolError: It refuses the call, answers nonsense, or takes too long.
        """
        await self._settled.wait()
        client = self._client
        if client is None:
            raise ServerFailed(self.state.error or f"the MCP server {self.server.name} is not running; start it")
        async with self._slots:
            watch = _Watch(self.server.call_seconds, self.server.longest_call_seconds)

            async def progressed(progress: float, total: float | None, message: str | None) -> None:
                watch.restart()
                on_progress(ToolProgress(progress, total, printable_line(message or "")))

            peer = self._peer
            called = asyncio.create_task(client.call_tool(tool, arguments, progress_callback=progressed))
            gone = asyncio.create_task(peer.ended.wait())
            try:
                while not called.done() and not gone.done() and (left := watch.seconds_left) > 0:
                    await asyncio.wait({called, gone}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if called.done() and not is_end(called.exception()):
                    return self._answer(called, tool)
                if called.done() or gone.done():
                    if self._peer is peer and not self._owner.done():
                        self._settled.clear()  # the next call waits for the next connection
                    how = await peer.end_words()
                    raise ServerFailed(f"{self._place(tool)}: the server {how} in the middle of the call")
                raise ToolError(f"{self._place(tool)} did not answer within {watch.limit:g} s; the call was given up")
            finally:
                for task in (called, gone):
                    task.cancel()
                await asyncio.gather(called, gone, return_exceptions=True)

    async def close(self) -> None:
        """End the connection, and the server if it was started here."""
        self._owner.cancel()
        await asyncio.gather(self._owner, return_exceptions=True)

    def _answer(self, called: "asyncio.Task[mcp_types.CallToolResult]", tool: str) -> ToolOutput:
        try:
            return output_of(called.result(), self._folder)
        except MCPError as error:
            raise ToolError(f"{self._place(tool)}: {line_of(error)}") from None
        except OSError as error:
            raise ToolError(f"{self._place(tool)}: what it answered cannot be kept: {error}") from None
        except Exception as error:
            # Whatever a server makes the SDK trip over is the failure of this one call.
            _log.warning("a call failed", exc_info=True)
            raise ToolError(f"{self._place(tool)} answered what is no MCP: {line_of(first(error))}") from None

    def _place(self, tool: str) -> str:
        return f"{self.server.name}/{tool}"

    async def _own(self) -> None:
        """Start the server, again when it ends, until it fails too often."""
        failures = 0
        pause = _FIRST_PAUSE
        try:
            while failures < _TRIES:
                began = time.monotonic()
                error = await self._serve()
                steady = self._client is not None and time.monotonic() - began >= _STEADY_SECONDS
                self._client = None
                failures, pause = (0, _FIRST_PAUSE) if steady else (failures + 1, pause)
                if self._peer.in_vain:
                    break
                if failures < _TRIES:
                    self._settled.clear()
                    self._change(health="waiting", error=error, pid=None, tools=())
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
            self._change(health="failed", error=error, pid=None, tools=())
            self._settled.set()
        finally:
            self._client = None
            self._settled.set()
            if self.state.health != "failed":
                self._change(health="stopped", pid=None, tools=())

    async def _serve(self) -> str:
        """Open the connection and return why it ended."""
        self._peer = ServerProcess() if self.server.transport == "stdio" else Peer()
        self._change(health="starting", starts=self.state.starts + 1)
        began = time.monotonic()
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(self.server.start_seconds):
                    client = await stack.enter_async_context(self._opened())
                    tools = await self._list_tools(client)
                self._client = client
                said = client.server_info
                self._change(
                    health="ready",
                    error="",
                    pid=self._peer.pid,
                    version=client.protocol_version,
                    said=printable_line(f"{said.name} {said.version}") if said else "",
                    instructions=client.instructions or "",
                    tools=tools,
                    seconds_to_start=time.monotonic() - began,
                )
                self._settled.set()
                await self._peer.ended.wait()
        except TimeoutError:
            return self._failure(f"was not ready within {self.server.start_seconds:g} s")
        except Exception as raised:
            error = first(raised)
            if isinstance(error, ServerFailed):
                self._peer.in_vain = True
                return str(error)
            if isinstance(error, httpx2.HTTPError) and not self._peer.refused:
                return self._failure(words_of(error))
            if self._client is None and not self._peer.refused and not is_end(error):
                return self._failure(f"cannot be used: {line_of(error)}")
        return self._failure(await self._peer.end_words())

    def _opened(self) -> Client:
        return Client(
            tapped(self._transport(), self._peer.ended.set),
            client_info=mcp_types.Implementation(name="mistral-tui", version=__version__),
        )

    def _transport(self) -> AbstractAsyncContextManager[Streams]:
        if self.server.transport == "stdio":
            assert isinstance(self._peer, ServerProcess)
            return stdio_transport(self.server, self._peer)
        if self.server.transport == "websocket":
            from mistral_tui.tools.mcp.client.websocket import websocket_transport  # few servers need it

            return websocket_transport(self.server, self._peer)
        return http_transport(self.server, self._peer, self._auth())

    def _auth(self) -> "OAuth | None":
        if self.server.has_token:
            return None
        from mistral_tui.tools.mcp.client.oauth import OAuth  # few servers need it

        return OAuth(self.server, self._vault)

    async def _list_tools(self, client: Client) -> tuple[Tool, ...]:
        """Return what the server has; not more pages than a list could have that ends."""
        found: dict[str, Tool] = {}
        if client.server_capabilities.tools is None:
            return ()
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                found.setdefault(tool.name, tool_of(self.server.name, tool))
            cursor = page.next_cursor
            if not cursor or len(found) >= _MOST_TOOLS:
                break
        return tuple(found.values())[:_MOST_TOOLS]

    def _failure(self, what: str) -> str:
        said = f"; it said: {self._peer.lines[-1]}" if self._peer.lines else ""
        return f"the MCP server {self.server.name} {what}{said}"

    def _change(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
        self._on_change(self.state)


class _Watch:
    """How long a call may still take: an idle limit that progress begins anew, and a hard one."""

    def __init__(self, idle: float, longest: float) -> None:
        self._idle = idle
        self._longest = longest
        self._began = self._heard = time.monotonic()

    def restart(self) -> None:
        self._heard = time.monotonic()

    @property
    def seconds_left(self) -> float:
        return min(self._heard + self._idle, self._began + self._longest) - time.monotonic()

    @property
    def limit(self) -> float:
        """The limit that was reached first."""
        return self._longest if self._heard + self._idle > self._began + self._longest else self._idle
