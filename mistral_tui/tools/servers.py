"""The MCP servers of a running program: which are configured, what they do, and the tools that they have.

Nothing is read, imported or started before `start`, and nobody waits for it: tools are there when they are.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from mistral_tui.config.paths import Paths
from mistral_tui.tools.naming import named
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import InvalidRequest, MistralTuiError, ToolError
from mistral_tui.types.messages import Json
from mistral_tui.types.questions import Answerer
from mistral_tui.types.servers import McpServer, ServerHealth, ServerState
from mistral_tui.types.tools import BUILTIN, Tool, ToolOutput, ToolProgress

if TYPE_CHECKING:
    from mistral_tui.tools.mcp.config import McpInput
    from mistral_tui.tools.mcp.sources import ConfiguredServer, ConfiguredServers
    from mistral_tui.tools.mcp.trust import Trust

_log = logging.getLogger(__name__)

CALLS_AT_ONCE: Final = 16
"""Calls to all servers together, unless the configuration says otherwise."""

OnProgress = Callable[[ToolProgress], None]
OnState = Callable[[ServerState], None]


class Box(Protocol):
    """Where servers run; see `mistral_tui.tools.toolbox.Toolbox`."""

    person: Answerer | None

    @property
    def states(self) -> tuple[ServerState, ...]: ...  # noqa: D102 - see there
    async def use(self, servers: tuple[McpServer, ...]) -> None: ...  # noqa: D102
    async def settled(self, names: tuple[str, ...] | None = None) -> None: ...  # noqa: D102
    async def restart(self, server: str) -> None: ...  # noqa: D102
    async def read_log(self, server: str) -> tuple[str, ...]: ...  # noqa: D102
    async def call(self, server: str, tool: str, arguments: Json, on_progress: OnProgress) -> ToolOutput: ...  # noqa: D102
    async def check(self, tool: Tool, arguments: Json) -> None: ...  # noqa: D102
    async def close(self) -> None: ...  # noqa: D102


class Servers:
    """All servers that are configured. Everything happens on one event loop.

    Args:
        read: Returns what is configured; blocks. `None`: nothing is.
        make_box: Makes what the servers run in, given whom it tells of their states.
        trust: What the person has agreed to.
        project: The folder that the program works in.
        agent: What the program's own tools may do; `None`: there are none.
    """

    def __init__(
        self,
        read: "Callable[[], ConfiguredServers] | None" = None,
        make_box: Callable[[OnState], Box] | None = None,
        trust: "Trust | None" = None,
        project: Path | None = None,
        agent: AgentOptions | None = None,
    ) -> None:
        self._read = read
        self._make_box = make_box
        self._trust = trust
        self._project = project or Path.cwd()
        self._agent = agent
        self._configured: tuple[ConfiguredServer, ...] = ()
        self._box: Box | None = None
        self._failed: dict[str, str] = {}
        """Why servers were not even tried, by their names."""
        self._wanted: set[str] = set()
        """Servers that are off in the configuration, and that the person has started."""
        self._inputs: dict[str, str] = {}
        """What the person has said, by the ids of the inputs; kept nowhere else."""
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self._tools: tuple[Tool, ...] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.tell: Callable[[str], None] = lambda notice: None
        """Told of what the person should know of the configuration, one line each."""
        self.person: Answerer | None = None
        """Who asks the person what servers ask; to be set before `start`."""

    @classmethod
    def of(cls, paths: Paths, project: Path, agent: AgentOptions | None = None) -> Self:
        """Return those of the person and of a project, as `mistral_tui.tools.mcp.sources` finds them."""
        from mistral_tui.tools.mcp.trust import Trust

        trust = Trust(paths.trust)

        def read() -> "ConfiguredServers":
            from mistral_tui.tools.mcp.sources import configured_servers

            return configured_servers(paths.mcp, project, trust)

        def make_box(on_state: OnState) -> Box:
            from mistral_tui.tools.toolbox import Toolbox

            return Toolbox(paths.logs, paths.attachments, on_state, agent)

        return cls(read, make_box, trust, project, agent)

    @property
    def configured(self) -> "tuple[ConfiguredServer, ...]":
        """What is configured, also what may not be started; empty until it is read."""
        return self._configured

    @property
    def states(self) -> tuple[ServerState, ...]:
        """What the program's own tools do, if there are any, and each configured server, in their order."""
        known = {} if self._box is None else {state.name: state for state in self._box.states}
        own = () if self._agent is None else (known.get(BUILTIN) or ServerState(BUILTIN),)
        return own + tuple(
            known.get(each.server.name) or ServerState(each.server.name, *self._why_not(each))
            for each in self._configured
        )

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of all servers that are ready, with the names that models call them by."""
        if self._tools is None:
            servers = {each.server.name: each.server for each in self._configured}
            self._tools = named((tool for state in self.states for tool in state.tools), servers)
        return self._tools

    def folder_of(self, name: str) -> Path:
        """Return the folder in which the paths begin that tools of a server are given, as far as it is known."""
        return Path(self._agent.root) if name == BUILTIN and self._agent is not None else Path.cwd()

    def offers(self, name: str) -> bool:
        """Whether models are told of the tools of a server unless a chat says otherwise."""
        return all(each.offered for each in self._configured if each.server.name == name)

    @property
    def starting(self) -> bool:
        """Whether servers may become ready soon."""
        if self._starting is not None and not self._starting.done():
            return True
        return any(state.health in ("starting", "waiting") for state in self.states)

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call `on_change` when servers, states or tools have changed, until the returned function is called."""
        self._listeners.append(on_change)
        return lambda: self._listeners.remove(on_change) if on_change in self._listeners else None

    def start(self) -> None:
        """Read what is configured and start what may be started, in the background.

        Later calls do so only when the process that servers run in has ended.
        """
        if self._starting is None and self._read is not None:
            self._starting = asyncio.create_task(self._start(self._read), name="start of the MCP servers")
        elif self._starting is not None and self._starting.done() and self._has_ended:
            self._starting = asyncio.create_task(self._start_again(), name="start of the MCP servers")

    async def settled(self) -> None:
        """Return when every server is ready or has failed."""
        self.start()
        if self._starting is not None:
            await asyncio.shield(self._starting)
        if self._box is not None:
            await self._box.settled()

    async def restart(self, name: str) -> None:
        """Stop a server, if it runs, and start it, also one that is off in the configuration.

        Raises:
            InvalidRequest: There is no such server, or the person has not agreed to it.
            ToolError: It cannot be started.
        """
        if name == BUILTIN and self._agent is not None:
            await self._use()  # it starts the process of the tools, if that has ended
            return
        each = self._find(name)
        if not each.trusted:
            raise InvalidRequest(f"{name} of {each.source} is not trusted yet; look at what it runs, and agree first")
        running = self._box is not None and any(state.name == name for state in self._box.states)
        self._wanted.add(name)
        await self._use()
        if running and self._box is not None:
            await self._box.restart(name)

    async def agree(self, name: str) -> None:
        """Remember that the person trusts a server of the project, as it is now, and start it.

        Raises:
            InvalidRequest: There is no such server.
            ConfigError: The trust cannot be written.
            ToolError: It cannot be started.
        """
        each = self._find(name)
        if self._trust is not None:
            await asyncio.to_thread(self._trust.agree, each.server, each.source)
        agreed = replace(each, trusted=True)
        self._configured = tuple(agreed if other is each else other for other in self._configured)
        await self._use()

    async def to_agree(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """Return what the person agrees to when a server is started, and what they agreed to last, in lines.

        The second is `None` if they never did.

        Raises:
            InvalidRequest: There is no such server.
        """
        from mistral_tui.tools.mcp.trust import what_runs

        each = self._find(name)
        before = None if self._trust is None else await asyncio.to_thread(self._trust.before, each.server, each.source)
        return what_runs(each.server), before

    async def read_log(self, name: str) -> tuple[str, ...]:
        """Return the last lines that a server has written to its standard error.

        Raises:
            ToolError: It does not run.
        """
        if self._box is None:
            raise ToolError(f"{name} was never started, so that it has no log")
        return await self._box.read_log(name)

    def inputs_of(self, name: str) -> "tuple[McpInput, ...]":
        """Return what the person has to say before a server can start, and has not said yet."""
        from mistral_tui.tools.mcp.config import McpInput
        from mistral_tui.tools.mcp.variables import inputs_of

        each = self._find(name)
        described = {value.id: value for value in each.inputs}
        missing = sorted(inputs_of(each.server) - self._inputs.keys())
        return tuple(described.get(id, McpInput(id)) for id in missing)

    async def give_inputs(self, values: dict[str, str]) -> None:
        """Take what the person says, by the ids of the inputs, and start the servers that waited for it."""
        self._inputs |= values
        await self._use()

    async def check(self, tool: Tool, arguments: Json) -> None:
        """Return if a tool takes these arguments.

        Raises:
            InvalidArguments: It takes something else; says what.
            ToolError: Nobody can tell; the call is not to be made.
        """
        if self._box is None:
            raise ToolError(f"{tool.key} cannot be called: its server was never started")
        await self._box.check(tool, arguments)

    async def call(self, tool: Tool, arguments: Json, on_progress: OnProgress = lambda progress: None) -> ToolOutput:
        """Call a tool, when it is its turn; cancelling this cancels the call at its server.

        Raises:
            ToolError: It came to nothing; says why.
        """
        if self._box is None:
            raise ToolError(f"{tool.key} cannot be called: its server was never started")
        async with self._slots:
            return await self._box.call(tool.server, tool.tool, arguments, on_progress)

    async def close(self) -> None:
        """End all servers, within two seconds."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._box is not None:
            await self._box.close()

    async def _start(self, read: "Callable[[], ConfiguredServers]") -> None:
        # The program's own tools are there also where no server can be.
        for begin in (partial(self._configure, read), self._use):
            try:
                await begin()
            except MistralTuiError as error:
                self.tell(str(error))
            except Exception as error:
                _log.exception("the MCP servers could not be started")
                self.tell(f"the MCP servers could not be started: {error!r}"[:400])

    async def _configure(self, read: "Callable[[], ConfiguredServers]") -> None:
        """Read what is configured, and tell what the person should know of it."""
        found = await asyncio.to_thread(read)
        self._configured = found.servers
        if found.max_concurrent_calls is not None:
            self._slots = asyncio.Semaphore(max(1, found.max_concurrent_calls))
        for notice in found.notices:
            self.tell(notice)
        if strangers := [each.server.name for each in found.servers if each.server.enabled and not each.trusted]:
            self.tell(f"MCP servers of this project wait for you to agree to them: {', '.join(strangers)}")

    @property
    def _has_ended(self) -> bool:
        """Whether servers run no more that should, and that nobody starts again."""
        return self._box is not None and any(state.health == "stopped" for state in self._box.states)

    async def _start_again(self) -> None:
        try:
            await self._use()
        except MistralTuiError as error:
            self.tell(str(error))

    async def _use(self) -> None:
        """Let those servers run that may."""
        from mistral_tui.tools.mcp.variables import MissingVariable, with_values

        self._failed.clear()
        ready: list[McpServer] = []
        for each in self._configured:
            name = each.server.name
            if not each.trusted or not (each.server.enabled or name in self._wanted):
                continue
            inputs = {value.id: value.default for value in each.inputs if value.default} | self._inputs
            try:
                server = with_values(each.server, os.environ, inputs, self._project)
                # Nobody asks the person yet whether a model may reply to a server.
                ready.append(msgspec.structs.replace(server, enabled=True, sampling=False))
            except (MissingVariable, InvalidRequest) as error:
                self._failed[name] = str(error)
        if self._box is None and self._make_box is not None and (ready or self._agent is not None):
            self._box = self._make_box(self._state_changed)
            self._box.person = self.person
        if self._box is not None:
            try:
                await self._box.use(tuple(ready))
            except ToolError as error:
                self._failed |= {server.name: str(error) for server in ready}
                self._changed()
                raise
        self._changed()

    def _find(self, name: str) -> "ConfiguredServer":
        for each in self._configured:
            if each.server.name == name:
                return each
        known = ", ".join(each.server.name for each in self._configured) or "none is configured"
        raise InvalidRequest(f"there is no MCP server {name!r:.100}; there are: {known}")

    def _why_not(self, each: "ConfiguredServer") -> tuple[ServerHealth, str]:
        """Return the state of a server that does not run, and why."""
        if not each.trusted:
            return "stopped", f"{each.source} is the project's: look at what it runs, and agree first"
        if each.server.name in self._failed:
            return "failed", self._failed[each.server.name]
        return "stopped", "" if each.server.enabled else "it is off in the configuration"

    def _state_changed(self, state: ServerState) -> None:
        self._changed()

    def _changed(self) -> None:
        self._tools = None
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                _log.exception("a listener to the servers failed")
