"""Does what the program asks of its tools: holds the connections to servers, and the calls that are on their way."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistral_tui.config.paths import Paths
from mistral_tui.processes.frames import WireError
from mistral_tui.tools import wire
from mistral_tui.tools.arguments.checker import Checker
from mistral_tui.tools.builtin.tools import BuiltinTools
from mistral_tui.tools.mcp.vault import Vault
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import MistralTuiError, ToolError
from mistral_tui.types.questions import Question, Reply
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import BUILTIN, ToolProgress

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
        self._questions: dict[str, asyncio.Future[Reply]] = {}
        """What the person was asked, and has not said yet."""
        self._builtin: BuiltinTools | None = None
        self._checker = Checker()
        self._vault = Vault(Paths.resolve().mcp_logins)

    def handle(self, frame: wire.ToTools) -> None:
        """Do what a frame asks; never waits."""
        match frame:
            case wire.Use():
                self._use(frame)
            case wire.Restart():
                self._restart(frame.server)
            case wire.Call():
                self._begin(frame, self._call(frame))
            case wire.Check():
                self._begin(frame, self._check(frame))
            case wire.LogIn():
                self._begin(frame, self._log_in(frame))
            case wire.ListResources():
                self._begin(frame, self._list_resources(frame))
            case wire.ReadResource():
                self._begin(frame, self._read_resource(frame))
            case wire.GetPrompt():
                self._begin(frame, self._get_prompt(frame))
            case wire.Complete():
                self._begin(frame, self._complete(frame))
            case wire.ReadLog():
                self._begin(frame, self._read_log(frame))
            case wire.Replied():
                if (question := self._questions.get(frame.request)) and not question.done():
                    question.set_result(frame.reply)
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

    def _use(self, frame: wire.Use) -> None:
        self._folder = Path(frame.folder)
        self._has_person = frame.person
        self._use_builtin(frame.agent)
        wanted = {server.name: server for server in frame.servers if server.enabled}
        for name, connection in list(self._connections.items()):
            if wanted.get(name) != connection.server:
                del self._connections[name]
                self._end(connection)
        for name, server in wanted.items():
            if name not in self._connections:
                self._connections[name] = self._connection(server)

    def _use_builtin(self, options: AgentOptions | None) -> None:
        if options is None or self._builtin is not None:
            return
        try:
            self._builtin = BuiltinTools(options)
        except ToolError as error:
            self._send(wire.ServerChanged(state=ServerState(BUILTIN, "failed", str(error))))
        else:
            self._send(wire.ServerChanged(state=self._builtin.state))

    def _restart(self, name: str) -> None:
        old = self._connections.get(name)
        if old is not None:
            self._end(old)
            self._connections[name] = self._connection(old.server)

    def _connection(self, server: McpServer) -> "Connection":
        from mistral_tui.tools.mcp.client.connection import Connection  # the SDK takes half a second, and is an extra

        ask = partial(self._ask_person, server.name) if self._has_person else None
        return Connection(server, self._folder, self._vault, self._tell, ask)

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

        if frame.server == BUILTIN and self._builtin is not None:
            output = await self._builtin.call(frame.tool, frame.arguments)
            return wire.Returned(request=frame.request, output=output)
        output = await self._connection_of(frame).call(frame.tool, frame.arguments, progressed)
        return wire.Returned(request=frame.request, output=output)

    async def _check(self, frame: wire.Check) -> wire.Checked:
        if frame.server == BUILTIN and self._builtin is not None:
            self._builtin.check(frame.name, frame.tool, frame.arguments)
            return wire.Checked(request=frame.request)
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

    async def _list_resources(self, frame: wire.ListResources) -> wire.ResourcesListed:
        from mistral_tui.tools.mcp.client import catalog

        found = await self._connection_of(frame).ask(frame.place, catalog.list_resources)
        return wire.ResourcesListed(request=frame.request, resources=found[0], templates=found[1])

    async def _read_resource(self, frame: wire.ReadResource) -> wire.Returned:
        from mistral_tui.tools.mcp.client import catalog

        work = partial(catalog.read_resource, uri=frame.uri, folder=self._folder)
        return wire.Returned(request=frame.request, output=await self._connection_of(frame).ask(frame.place, work))

    async def _get_prompt(self, frame: wire.GetPrompt) -> wire.Prompted:
        from mistral_tui.tools.mcp.client import catalog

        work = partial(catalog.get_prompt, name=frame.name, arguments=frame.arguments, folder=self._folder)
        return wire.Prompted(request=frame.request, messages=await self._connection_of(frame).ask(frame.place, work))

    async def _complete(self, frame: wire.Complete) -> wire.Completed:
        from mistral_tui.tools.mcp.client import catalog

        def work(client: Any) -> Awaitable[tuple[str, ...]]:
            return catalog.complete(client, frame.kind, frame.name, frame.argument, frame.value, frame.others)

        return wire.Completed(request=frame.request, values=await self._connection_of(frame).ask(frame.place, work))

    async def _read_log(self, frame: wire.ReadLog) -> wire.Logged:
        own = frame.server == BUILTIN and self._builtin is not None  # what goes wrong with them is told by the call
        return wire.Logged(request=frame.request, lines=() if own else self._connection_of(frame).lines)

    async def _ask_person(self, server: str, question: Question) -> Reply:
        """Let the program ask the person; cancelling this withdraws the question."""
        request = uuid.uuid4().hex
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._questions[request] = reply
        try:
            self._send(wire.Questioned(request=request, server=server, question=question))
            return await reply
        except asyncio.CancelledError:
            self._send(wire.Withdrawn(request=request))
            raise
        finally:
            del self._questions[request]

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
