"""One MCP server: the task that owns its connection, keeps it alive, and calls its tools."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
import mcp_types
import msgspec
from mcp import Client, MCPError
from mcp.client.client import ConnectMode
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mistral_tui import __version__
from mistral_tui.tools.mcp.client.asking import Ask, Questions
from mistral_tui.tools.mcp.client.catalog import list_prompts, list_tools
from mistral_tui.tools.mcp.client.changes import Changes, Kind
from mistral_tui.tools.mcp.client.failures import first, is_end, line_of
from mistral_tui.tools.mcp.client.http import http_transport
from mistral_tui.tools.mcp.client.peer import Peer
from mistral_tui.tools.mcp.client.results import output_of
from mistral_tui.tools.mcp.client.stdio import ServerProcess, stdio_transport
from mistral_tui.tools.mcp.client.tap import Streams, tapped
from mistral_tui.tools.mcp.client.watch import Watch
from mistral_tui.tools.mcp.client.watched_http import words_of
from mistral_tui.tools.mcp.vault import Vault
from mistral_tui.types.errors import MistralTuiError, ServerFailed, ToolError
from mistral_tui.types.messages import Json
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import ToolOutput, ToolProgress

if TYPE_CHECKING:
    from mistral_tui.tools.mcp.client.oauth import OAuth

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_STEADY_SECONDS: Final = 30.0
"""A server that was ready for so long is not one that cannot start."""
_TRIES: Final = 4
"""Starts in a row that may fail before nobody tries again unasked."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Connection:
    """A server, and the one task that opens and closes its connection.

    Args:
        server: How to reach it.
        folder: Where pictures and sounds go that it answers with.
        vault: The logins of the person.
        on_change: Told of every new state.
        person: Asks the person what the server asks; `None`: there is nobody to ask.
    """

    def __init__(
        self,
        server: McpServer,
        folder: Path,
        vault: Vault,
        on_change: Callable[[ServerState], None],
        person: Ask | None = None,
    ) -> None:
        self.server = server
        self.state = ServerState(server.name)
        self._folder = folder
        self._vault = vault
        self._on_change = on_change
        self._person = person
        self._watches: set[Watch] = set()
        """Of all that is asked of it now."""
        self._client: Client | None = None
        self._slots = asyncio.Semaphore(server.calls_at_once)
        self._settled = asyncio.Event()
        """Set while it is ready, or nobody tries to start it any more."""
        self._peer = Peer()
        """The other side of the present connection."""
        self._mode: ConnectMode = "auto"
        """How the era is found out: one that ignores what is newer than itself costs ten seconds, but only once."""
        self._owner = asyncio.create_task(self._own(), name=f"MCP server {server.name}")

    async def call(self, tool: str, arguments: Json, on_progress: Callable[[ToolProgress], None]) -> ToolOutput:
        """Call a tool; cancelling this cancels the call at the server.

        Raises:
            ServerFailed: The server is not there, or ends in the middle of the call.
            ToolError: It refuses the call, answers nonsense, or takes too long.
        """
        watch = Watch(self.server.call_seconds, self.server.longest_call_seconds)

        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            watch.restart()
            on_progress(ToolProgress(progress, total, printable_line(message or "")))

        async def called(client: Client) -> ToolOutput:
            result = await client.call_tool(tool, arguments, progress_callback=progressed)
            return output_of(result, self._folder)

        return await self._ask(f"{self.server.name}/{tool}", called, watch)

    async def ask(self, place: str, work: Callable[[Client], Awaitable[T]]) -> T:
        """Ask the server something else; cancelling this cancels it there.

        Args:
            place: What it is about, for people.
            work: Asks it.

        Raises:
            ServerFailed: The server is not there, or ends in the middle of it.
            ToolError: It refuses, answers nonsense, or takes too long.
        """
        return await self._ask(place, work, Watch(self.server.call_seconds, self.server.longest_call_seconds))

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines of the server's log: what it wrote to standard error, and what it told."""
        return tuple(self._peer.lines)

    async def close(self) -> None:
        """End the connection, and the server if it was started here."""
        self._owner.cancel()
        await asyncio.gather(self._owner, return_exceptions=True)

    async def _ask(self, place: str, work: Callable[[Client], Awaitable[T]], watch: Watch) -> T:
        await self._settled.wait()
        client = self._client
        if client is None:
            raise ServerFailed(self.state.error or f"the MCP server {self.server.name} is not running; start it")
        async with self._slots:
            peer = self._peer
            self._watches.add(watch)
            asked = asyncio.ensure_future(work(client))
            gone = asyncio.create_task(peer.ended.wait())
            try:
                while not asked.done() and not gone.done() and (left := watch.seconds_left) > 0:
                    await asyncio.wait({asked, gone}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if asked.done() and not is_end(asked.exception()):
                    return _answer(asked, place)
                if asked.done() or gone.done():
                    if self._peer is peer and not self._owner.done():
                        self._settled.clear()  # the next call waits for the next connection
                    how = await peer.end_words()
                    raise ServerFailed(f"{place}: the server {how} in the middle of the call")
                raise ToolError(f"{place} did not answer within {watch.limit:g} s; the call was given up")
            finally:
                self._watches.discard(watch)
                if not self._watches:
                    self._questions.withdraw()
                for task in (asked, gone):
                    task.cancel()
                await asyncio.gather(asked, gone, return_exceptions=True)

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
                    self._change(health="waiting", error=error, pid=None, tools=(), prompts=())
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
            self._change(health="failed", error=error, pid=None, tools=(), prompts=())
            self._settled.set()
        finally:
            self._client = None
            self._settled.set()
            if self.state.health != "failed":
                self._change(health="stopped", pid=None, tools=(), prompts=())

    async def _serve(self) -> str:
        """Open the connection and return why it ended."""
        self._peer = ServerProcess() if self.server.transport == "stdio" else Peer()
        changes = Changes()
        mode, self._mode = self._mode, "auto"
        self._change(health="starting", starts=self.state.starts + 1)
        began = time.monotonic()
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(self.server.start_seconds):
                    client = await stack.enter_async_context(self._opened(changes, mode))
                    tools = await list_tools(client, self.server.name)
                self._client = client
                self._mode = "legacy" if client.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS else "auto"
                said = client.server_info
                self._change(
                    health="ready",
                    error="",
                    pid=self._peer.pid,
                    version=client.protocol_version,
                    said=printable_line(f"{said.name} {said.version}") if said else "",
                    instructions=client.instructions or "",
                    tools=tools,
                    has_resources=client.server_capabilities.resources is not None,
                    seconds_to_start=time.monotonic() - began,
                )
                self._settled.set()
                following = asyncio.create_task(changes.follow(client, partial(self._read_again, client)))
                stack.push_async_callback(_stop, following)
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

    def _opened(self, changes: Changes, mode: ConnectMode) -> Client:
        self._questions = Questions(self.server, self._folder, self._person, self._asked, self._peer.lines.append)
        return Client(
            tapped(self._transport(), self._peer.ended.set),
            client_info=mcp_types.Implementation(name="mistral-tui", version=__version__),
            message_handler=changes.hear,
            mode=mode,
            **self._questions.callbacks,
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

    async def _read_again(self, client: Client, kinds: frozenset[Kind]) -> None:
        """Read what has changed; the program sees definitions that differ."""
        try:
            async with asyncio.timeout(self.server.start_seconds):
                if "tools" in kinds:
                    self._change(tools=await list_tools(client, self.server.name))
                if "prompts" in kinds:
                    self._change(prompts=await list_prompts(client, self.server.name))
        except (MCPError, MistralTuiError, TimeoutError, ValueError, RuntimeError) as error:
            self._peer.lines.append(f"what has changed could not be read: {line_of(error)}")

    def _asked(self, is_asked: bool) -> None:
        """Let no limit count while a person is asked."""
        for watch in self._watches:
            if is_asked:
                watch.hold()
            else:
                watch.go_on()

    def _failure(self, what: str) -> str:
        said = f"; it said: {self._peer.lines[-1]}" if self._peer.lines else ""
        return printable_line(f"the MCP server {self.server.name} {what}{said}")

    def _change(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
        self._on_change(self.state)


def _answer(asked: "asyncio.Future[T]", place: str) -> T:
    try:
        return asked.result()
    except MCPError as error:
        raise ToolError(f"{place}: {line_of(error)}") from None
    except OSError as error:
        raise ToolError(f"{place}: what it answered cannot be kept: {error}") from None
    except Exception as error:
        # Whatever a server makes the SDK trip over is the failure of this one call.
        _log.warning("a call failed", exc_info=True)
        raise ToolError(f"{place} answered what is no MCP: {line_of(first(error))}") from None


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
