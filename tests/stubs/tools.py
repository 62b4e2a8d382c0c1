"""A scripted process of tools: its servers are ready at once, and answer what a test tells them to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mistral_tui.tools.mcp.sources import ConfiguredServer, ConfiguredServers
from mistral_tui.tools.servers import Servers
from mistral_tui.types.errors import ToolError
from mistral_tui.types.events import ToolCallDelta
from mistral_tui.types.messages import Json, TextPart
from mistral_tui.types.questions import Answerer
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import Tool, ToolOutput, ToolProgress
from tests.stubs.engines import Reply

TIME = Tool(
    "time", "clock", "time", "Says what time it is", {"type": "object", "properties": {"zone": {"type": "string"}}}
)
STOP = Tool("stop", "clock", "stop", "Stops the clock")
CLOCK = McpServer("clock", command="clock-server")
NOON = ToolOutput((TextPart("12:00"),))


@dataclass
class FakeBox:
    """Stands in for `mistral_tui.tools.toolbox.Toolbox`; give it to `servers_with`."""

    tools: dict[str, tuple[Tool, ...]] = field(default_factory=lambda: {"clock": (TIME, STOP)})
    """What each server has."""
    output: ToolOutput = NOON
    error: ToolError | None = None
    """If set, calls fail with it."""
    refused: ToolError | None = None
    """If set, no arguments are right."""
    hold: asyncio.Event | None = None
    """If given, calls wait until it is set."""
    starting: bool = False
    """Whether servers stay at starting."""
    on_state: Callable[[ServerState], None] = lambda state: None
    used: tuple[McpServer, ...] = ()
    states: tuple[ServerState, ...] = ()
    made: list[tuple[str, Json]] = field(default_factory=list)
    """The calls that were made."""
    restarted: list[str] = field(default_factory=list)
    closed: bool = False
    person: Answerer | None = None

    async def use(self, servers: tuple[McpServer, ...]) -> None:
        self.used = servers
        self.set_states(*(self._state(server.name) for server in servers))

    async def settled(self, names: tuple[str, ...] | None = None) -> None:
        while any(state.health == "starting" for state in self.states):  # noqa: ASYNC110 - a test says when
            await asyncio.sleep(0)

    async def read_log(self, server: str) -> tuple[str, ...]:
        return (f"{server} listens", "\x1b[2Jit warns")

    async def restart(self, server: str) -> None:
        self.restarted.append(server)

    async def call(
        self, server: str, tool: str, arguments: Json, on_progress: Callable[[ToolProgress], None]
    ) -> ToolOutput:
        self.made.append((f"{server}/{tool}", arguments))
        on_progress(ToolProgress(1, 2, "half"))
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return self.output

    async def check(self, tool: Tool, arguments: Json) -> None:
        if self.refused is not None:
            raise self.refused

    async def close(self) -> None:
        self.closed = True

    def set_states(self, *states: ServerState) -> None:
        """Let the servers do this from now on."""
        self.states = states
        for state in states:
            self.on_state(state)

    def _state(self, name: str) -> ServerState:
        if self.starting:
            return ServerState(name, "starting")
        return ServerState(name, "ready", said=f"{name} 1.0", version="2026-07-28", tools=self.tools.get(name, ()))


def servers_with(
    box: FakeBox,
    *servers: McpServer,
    untrusted: tuple[str, ...] = (),
    unasked: bool = True,
    at_once: int | None = None,
    project: Path = Path("/project"),
) -> Servers:
    """Return servers as if these were configured (the clock, if none are given), behind a scripted process."""

    def made(on_state: Callable[[ServerState], None]) -> FakeBox:
        box.on_state = on_state
        return box

    def read() -> ConfiguredServers:
        return ConfiguredServers(
            tuple(
                ConfiguredServer(server, project / ".mcp.json", server.name not in untrusted, offered=unasked)
                for server in servers or (CLOCK,)
            ),
            max_concurrent_calls=at_once,
        )

    return Servers(read, made, project=project)


def calls(*made: tuple[str, str]) -> Reply:
    """Return a reply that makes these calls: names and arguments."""
    return Reply(
        [ToolCallDelta(index, f"call{index}", name, arguments) for index, (name, arguments) in enumerate(made)],
        "tool_calls",
    )
