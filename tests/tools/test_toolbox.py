"""MCP servers behind the process of the tools, real and misbehaving ones."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.errors import InvalidArguments, ServerFailed, ToolError
from mistral_tui.types.messages import TextPart
from mistral_tui.types.questions import Answerer
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import ToolOutput, ToolProgress
from tests.stubs.waiting import until

pytestmark = pytest.mark.mcp

SCRIPT = Path(__file__).parent / "mcp" / "misbehaving.py"
HELLO = ToolOutput((TextPart("hello"),))


def a_server(how: str = "not", name: str = "server", **values: float) -> McpServer:
    return McpServer(name, command=sys.executable, args=(str(SCRIPT), how), **values)  # type: ignore[arg-type] # numbers


Open = Callable[..., Awaitable[Toolbox]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncGenerator[Open, None]:
    """Opens a toolbox with servers, and closes it after the test."""
    boxes: list[Toolbox] = []

    async def opened(*servers: McpServer, settled: bool = True, person: Answerer | None = None) -> Toolbox:
        box = Toolbox(tmp_path / "logs", tmp_path / "files")
        box.person = person
        boxes.append(box)
        await box.use(servers)
        if settled:
            await box.settled()
        return box

    yield opened
    for box in boxes:
        await box.close()


def state_of(box: Toolbox, name: str = "server") -> ServerState:
    return next(state for state in box.states if state.name == name)


async def test_a_server_is_started_and_its_tool_called(opened: Open) -> None:
    box = await opened(a_server())
    state = state_of(box)
    assert (state.health, state.said, state.version) == ("ready", "misbehaving 1", "2025-06-18")
    assert [tool.key for tool in box.tools] == ["server/echo"]
    assert await box.call("server", "echo", {"text": "hello"}) == HELLO


async def test_arguments_are_checked_against_the_schema_that_the_server_gave(opened: Open) -> None:
    box = await opened(a_server())
    (echo,) = box.tools
    await box.check(echo, {"text": "hello"})
    with pytest.raises(InvalidArguments, match=r"the arguments of echo are wrong: text is missing. It takes: text"):
        await box.check(echo, {})
    with pytest.raises(ToolError, match="server/gone is not there any more"):
        await box.check(msgspec.structs.replace(echo, tool="gone"), {})


async def test_without_servers_no_process_is_started(opened: Open) -> None:
    box = await opened()
    assert box.pid is None


async def test_a_server_that_is_turned_off_is_not_started(opened: Open) -> None:
    box = await opened(McpServer("server", command="nothing", enabled=False))
    assert box.states == ()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("exits at once", "the MCP server server ended with exit status 1; it said: no license found"),
        ("never says hello", "the MCP server server was not ready within 1 s"),
    ],
)
async def test_a_server_that_does_not_start_says_why_and_the_others_go_on(opened: Open, how: str, says: str) -> None:
    box = await opened(a_server(how, start_seconds=1.0), a_server(name="other"), settled=False)
    await box.settled(("other",))
    assert await box.call("other", "echo", {"text": "hello"}) == HELLO
    await until(lambda: state_of(box).error != "")
    assert state_of(box).error == says


async def test_a_program_that_is_not_there_is_not_tried_again(opened: Open) -> None:
    box = await opened(McpServer("server", command="no-such-program"))
    state = state_of(box)
    assert (state.health, state.starts) == ("failed", 1)
    assert "no-such-program was not found; install it, or correct the path" in state.error
    with pytest.raises(ServerFailed, match="no-such-program was not found"):
        await box.call("server", "echo", {})


async def test_a_server_that_dies_in_mid_call_ends_the_call_at_once_and_is_started_again(opened: Open) -> None:
    box = await opened(a_server("dies in mid-call"))
    with pytest.raises(ServerFailed, match="server/echo: the server ended with exit status 3 in the middle"):
        await box.call("server", "echo", {"text": "hello"})
    await until(lambda: state_of(box).health == "ready" and state_of(box).starts == 2)


async def test_a_server_that_is_killed_is_started_again_and_can_be_called(opened: Open) -> None:
    box = await opened(a_server())
    pid = state_of(box).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: state_of(box).pid not in (None, pid))
    assert await box.call("server", "echo", {"text": "hello"}) == HELLO


@pytest.mark.parametrize("how", ["prints garbage", "floods standard error"])
async def test_noise_harms_nothing(opened: Open, how: str) -> None:
    box = await opened(a_server(how))
    assert await box.call("server", "echo", {"text": "hello"}) == HELLO


async def test_an_invalid_tool_is_repaired_or_left_out(opened: Open) -> None:
    box = await opened(a_server("has an invalid tool"))
    assert (box.tools[0].tool, box.tools[0].parameters) == ("broken", {"type": "object"})
    assert [tool.tool for tool in box.tools] == ["broken", "echo"]


async def test_a_list_without_an_end_is_cut(opened: Open) -> None:
    box = await opened(a_server("lists for ever"))
    assert 0 < len(box.tools) <= 1000


@pytest.mark.parametrize("how", ["never answers a call", "answers with a wrong id"])
async def test_a_call_without_an_answer_is_given_up(opened: Open, how: str) -> None:
    box = await opened(a_server(how, call_seconds=0.5))
    with pytest.raises(ToolError, match=r"server/echo did not answer within 0\.5 s"):
        await box.call("server", "echo", {"text": "hello"})


async def test_progress_keeps_a_call_alive_up_to_the_hard_limit(opened: Open) -> None:
    box = await opened(a_server("reports progress", call_seconds=0.6))
    heard: list[ToolProgress] = []
    assert await box.call("server", "echo", {"text": "hello"}, heard.append) == HELLO
    assert heard[-1] == ToolProgress(9, 10, "step 9")
    box = await opened(a_server("reports progress", call_seconds=0.6, longest_call_seconds=0.8))
    with pytest.raises(ToolError, match=r"did not answer within 0\.8 s"):
        await box.call("server", "echo", {"text": "hello"})


async def test_a_result_that_is_too_large_is_refused_by_name(opened: Open) -> None:
    box = await opened(a_server("returns 60 MB"))
    with pytest.raises(ToolError, match=r"server/echo.*more than 8 MB"):
        await box.call("server", "echo", {"text": "hello"})


async def test_a_result_of_an_unknown_kind_is_an_error_of_that_call(opened: Open) -> None:
    box = await opened(a_server("returns something unknown"))
    with pytest.raises(ToolError, match="server/echo answered what is no MCP"):
        await box.call("server", "echo", {"text": "hello"})
    assert state_of(box).health == "ready"


async def test_a_cancelled_call_leaves_the_server_ready(opened: Open) -> None:
    box = await opened(a_server("waits"))
    call = asyncio.create_task(box.call("server", "echo", {"text": "hello"}))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await box.call("server", "echo", {"text": "hello"}) == HELLO


async def test_a_stubborn_server_and_its_children_end_with_the_program(opened: Open) -> None:
    box = await opened(a_server("ignores SIGTERM and has a child"))
    pid = state_of(box).pid
    assert pid is not None
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(processes) == 2
    began = time.monotonic()
    await box.close()
    assert not any(process.is_running() and process.status() != "zombie" for process in processes)
    assert time.monotonic() - began < 20


async def test_servers_end_when_the_process_of_the_tools_is_killed(opened: Open) -> None:
    box = await opened(a_server())
    pid = state_of(box).pid
    assert pid is not None
    assert box.pid is not None
    os.kill(box.pid, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")
    await until(lambda: "the process of the tools was killed by SIGKILL" in state_of(box).error)
    assert await box.call("server", "echo", {"text": "hello"}) == HELLO, "the next call starts it again"


async def test_a_call_of_an_unknown_server_is_an_error(opened: Open) -> None:
    box = await opened(a_server())
    with pytest.raises(ToolError, match="nobody/echo: there is no such server"):
        await box.call("nobody", "echo", {})


async def test_other_servers_take_the_place_of_those_before_and_the_same_go_on(opened: Open) -> None:
    first, second = a_server(name="first"), a_server(name="second")
    box = await opened(first)
    pid = state_of(box, "first").pid
    await box.use((first, second))
    await box.settled()
    assert state_of(box, "first").pid == pid
    await box.use((second,))
    assert [state.name for state in box.states] == ["second"]
    await until(lambda: pid is not None and not psutil.pid_exists(pid))
