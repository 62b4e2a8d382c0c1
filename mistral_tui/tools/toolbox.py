"""The program's end of the process of its tools: start it when it is needed, call tools, know the servers' states."""

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from mistral_tui.processes.exit_status import name_exit
from mistral_tui.processes.frames import FrameDecoder, WireError, encode
from mistral_tui.processes.log import WorkerLog
from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child
from mistral_tui.tools import wire
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import ToolError, error_named
from mistral_tui.types.messages import Json
from mistral_tui.types.questions import Answerer, Dismissed, Reply
from mistral_tui.types.resources import Prompt, PromptMessage, Resource, ResourceTemplate
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import BUILTIN, Tool, ToolOutput, ToolProgress

_CLOSE_SECONDS = 2.0
_READ_BYTES = 256 * 1024

_log = logging.getLogger(__name__)

OnProgress = Callable[[ToolProgress], None]
OnFrame = Callable[[wire.FromTools], None]
A = TypeVar("A", bound=wire.Frame)


@dataclass
class _Call:
    answer: asyncio.Future[wire.FromTools]
    on_way: OnFrame


class Toolbox:
    """The tools of all servers. The process behind it is started by the first `use` that names a server.

    Args:
        log_folder: Where that process writes its log.
        folder: Where files go that tools answer with.
        on_change: Told of every new state of a server.
        agent: What the program's own tools may do; `None`: there are none. They are a server named `BUILTIN`.
    """

    def __init__(
        self,
        log_folder: Path,
        folder: Path,
        on_change: Callable[[ServerState], None] = lambda state: None,
        agent: AgentOptions | None = None,
    ) -> None:
        self._log = WorkerLog(log_folder, "tools")
        self._folder = folder
        self._on_change = on_change
        self._agent = agent
        self._servers: tuple[McpServer, ...] = ()
        self._states: dict[str, ServerState] = {}
        self._calls: dict[str, _Call] = {}
        self._questions: dict[str, asyncio.Task[None]] = {}
        self.person: Answerer | None = None
        """Who asks the person what servers ask. To be set before the first `use`: servers are told whether they may."""
        self._changed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Process id of the process of the tools, while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def states(self) -> tuple[ServerState, ...]:
        """What each server does, in the order of the configuration."""
        return tuple(self._states.values())

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of all servers that are ready."""
        return tuple(tool for state in self.states for tool in state.tools)

    async def use(self, servers: tuple[McpServer, ...]) -> None:
        """Start these servers and stop all others. Returns before they are ready.

        Raises:
            ToolError: The process of the tools cannot be started, or what it needs is not installed.
        """
        if any(server.enabled for server in servers):
            _look_for_sdk()
        self._servers = tuple(server for server in servers if server.enabled)
        names = [BUILTIN] if self._agent is not None else []
        names += [server.name for server in self._servers]
        self._states = {name: self._states.get(name, ServerState(name)) for name in names}
        if names or self._process is not None:
            await self._start()

    async def settled(self, names: tuple[str, ...] | None = None) -> None:
        """Return when these servers, or all, are ready or have failed."""
        while any(
            state.health not in ("ready", "failed") for state in self.states if names is None or state.name in names
        ):
            self._changed.clear()
            await self._changed.wait()

    async def restart(self, server: str) -> None:
        """Stop a server, if it runs, and start it."""
        await self._start()
        self._send(wire.Restart(server=server))

    async def call(
        self, server: str, tool: str, arguments: Json, on_progress: OnProgress = lambda progress: None
    ) -> ToolOutput:
        """Call a tool. Cancelling this cancels the call at its server.

        Raises:
            ToolError: It came to nothing; says why.
        """

        def on_way(frame: wire.FromTools) -> None:
            if isinstance(frame, wire.Progressed):
                on_progress(frame.progress)

        frame = wire.Call(request=_new(), server=server, tool=tool, arguments=arguments)
        return (await self._ask(frame, wire.Returned, on_way)).output

    async def check(self, tool: Tool, arguments: Json) -> None:
        """Return if a tool takes these arguments.

        Raises:
            InvalidArguments: It takes something else; says what.
            ToolError: Nobody can tell.
        """
        frame = wire.Check(request=_new(), server=tool.server, tool=tool.tool, name=tool.name, arguments=arguments)
        await self._ask(frame, wire.Checked)

    async def list_resources(self, server: str) -> tuple[tuple[Resource, ...], tuple[ResourceTemplate, ...]]:
        """Return what can be read at a server, and the addresses that more of it has.

        Raises:
            ToolError: It came to nothing; says why.
        """
        listed = await self._ask(wire.ListResources(request=_new(), server=server), wire.ResourcesListed)
        return listed.resources, listed.templates

    async def read_resource(self, server: str, uri: str) -> ToolOutput:
        """Read what is at an address of a server.

        Raises:
            ToolError: It came to nothing; says why.
        """
        return (await self._ask(wire.ReadResource(request=_new(), server=server, uri=uri), wire.Returned)).output

    async def get_prompt(self, server: str, name: str, arguments: dict[str, str]) -> tuple[PromptMessage, ...]:
        """Return a prompt of a server with its values.

        Raises:
            ToolError: It came to nothing; says why.
        """
        frame = wire.GetPrompt(request=_new(), server=server, name=name, arguments=arguments)
        return (await self._ask(frame, wire.Prompted)).messages

    async def complete(
        self, server: str, what: Prompt | ResourceTemplate, argument: str, values: dict[str, str]
    ) -> tuple[str, ...]:
        """Return what a value may go on to be; nothing if the server does not say.

        Args:
            server: Which one.
            what: What takes the argument.
            argument: Its name.
            values: What is there so far, of this argument and the others.

        Raises:
            ToolError: It came to nothing; says why.
        """
        kind: Literal["prompt", "template"] = "prompt" if isinstance(what, Prompt) else "template"
        name = what.name if isinstance(what, Prompt) else what.template
        others = dict(values)
        value = others.pop(argument, "")
        frame = wire.Complete(
            request=_new(), server=server, kind=kind, name=name, argument=argument, value=value, others=others
        )
        return (await self._ask(frame, wire.Completed)).values

    async def read_log(self, server: str) -> tuple[str, ...]:
        """Return the last lines of a server's log: its standard error, and what it tells as MCP has it.

        Raises:
            ToolError: There is no such server.
        """
        return (await self._ask(wire.ReadLog(request=_new(), server=server), wire.Logged)).lines

    async def log_in(self, server: McpServer, show: Callable[[str], None]) -> None:
        """Log in at a server elsewhere. Cancelling this gives it up.

        Args:
            server: Where it is; it need not be in use.
            show: Takes the address that the person is to open in a browser.

        Raises:
            ToolError: It came to nothing; says why.
        """
        _look_for_sdk()

        def on_way(frame: wire.FromTools) -> None:
            if isinstance(frame, wire.LoginAt):
                show(frame.address)

        await self._ask(wire.LogIn(request=_new(), server=server.name, at=server), wire.LoggedIn, on_way)

    async def close(self) -> None:
        """End the process, and with it all servers, within two seconds."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        assert self._reader is not None
        await asyncio.wait({self._reader}, timeout=_CLOSE_SECONDS)
        if process.returncode is None:
            process.kill()
        await self._reader

    async def _ask(self, frame: wire.AnyAsked, answer: type[A], on_way: OnFrame = lambda frame: None) -> A:
        """Send a frame and return the one that ends it; cancelling this cancels it at the other end.

        Args:
            frame: What is asked.
            answer: The kind of frame that ends it.
            on_way: Takes the frames before that.
        """
        await self._start()
        call = _Call(asyncio.get_running_loop().create_future(), on_way)
        self._calls[frame.request] = call
        try:
            self._send(frame)
            ended = await call.answer
            assert isinstance(ended, answer)
            return ended
        except WireError as error:
            raise ToolError(f"{frame.place} cannot be asked: {error}") from None
        except asyncio.CancelledError:
            self._send(wire.Cancel(request=frame.request))
            raise
        finally:
            del self._calls[frame.request]

    async def _start(self) -> None:
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                self._send_use()
                return
            log_fd = self._log.open()
            try:
                # -P: the person's current folder is no place to import from.
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "mistral_tui.tools.worker.main", str(os.getpid())),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log_fd,
                    start_new_session=NEW_SESSION,
                    creationflags=CREATION_FLAGS,
                )
            except OSError as error:
                raise ToolError(f"the process of the tools cannot be started: {error}") from error
            finally:
                os.close(log_fd)
            bind_child(process.pid)
            self._process = process
            self._reader = asyncio.create_task(self._read(process), name="frames from the tools")
            self._send(wire.Hello())
            self._send_use()

    def _send_use(self) -> None:
        person = self.person is not None
        self._send(wire.Use(servers=self._servers, folder=str(self._folder), person=person, agent=self._agent))

    def _send(self, frame: wire.ToTools) -> None:
        data = encode(frame)
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(data)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        decoder = FrameDecoder[wire.FromTools](wire.FromTools)
        try:
            while chunk := await process.stdout.read(_READ_BYTES):
                for frame in decoder.feed(chunk):
                    self._handle(frame)
        except WireError:
            process.kill()
        finally:
            await process.wait()
            self._bury(process)

    def _handle(self, frame: wire.FromTools) -> None:
        match frame:
            case wire.ServerChanged(state=state):
                if state.name in self._states:
                    self._states[state.name] = state
                    self._tell(state)
            case wire.Hello():
                pass
            case wire.Questioned():
                question = self._questions[frame.request] = asyncio.create_task(self._answer(frame))
                question.add_done_callback(lambda _: self._questions.pop(frame.request))
            case wire.Withdrawn():
                if asked := self._questions.get(frame.request):
                    asked.cancel()
            case wire.Progressed() | wire.LoginAt():
                if call := self._calls.get(frame.request):
                    call.on_way(frame)
            case wire.Refused():
                if (call := self._calls.get(frame.request)) and not call.answer.done():
                    call.answer.set_exception(error_named(frame.error, frame.message))
            case _:
                if (call := self._calls.get(frame.request)) and not call.answer.done():
                    call.answer.set_result(frame)

    async def _answer(self, frame: wire.Questioned) -> None:
        """Ask the person what a server asks."""
        reply: Reply = Dismissed()
        try:
            if self.person is not None:
                reply = await self.person.answer(frame.server, frame.question)
        except Exception:
            _log.exception("a question of a server could not be put")
        self._send(wire.Replied(request=frame.request, reply=reply))

    def _bury(self, process: asyncio.subprocess.Process) -> None:
        """Tell everyone who waits that the process is gone; the next call starts it again."""
        status = process.returncode
        said = self._log.last_line()
        cause = f"the process of the tools {name_exit(status or 0)}" + (f" (last log line: {said})" if said else "")
        for call in self._calls.values():
            if not call.answer.done():
                call.answer.set_exception(ToolError(f"{cause}; the next call starts it again"))
        for question in self._questions.values():
            question.cancel()
        for name, state in self._states.items():
            self._states[name] = msgspec.structs.replace(
                state, health="stopped", error=cause, pid=None, tools=(), prompts=()
            )
            self._tell(self._states[name])

    def _tell(self, state: ServerState) -> None:
        self._changed.set()
        self._on_change(state)


def _new() -> str:
    """Return a name for something that is asked."""
    return uuid.uuid4().hex


def _look_for_sdk() -> None:
    if find_spec("mcp") is None:
        raise ToolError('MCP servers need an extra: install it with pip install "mistral-tui[mcp]"')
