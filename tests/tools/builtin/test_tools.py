"""The program's own tools as models see them, in the process of the tools, and in a turn."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import psutil
import pytest

from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.tools.builtin.tools import BuiltinTools
from mistral_tui.tools.servers import Servers
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import InvalidArguments, ToolError
from mistral_tui.types.messages import TextPart, ToolResultPart
from mistral_tui.types.servers import McpServer
from mistral_tui.types.tools import Decision, ToolOutput
from tests.stubs.engines import ENTRY, LOADED, FakeEngine, FakePool, Reply
from tests.stubs.tools import calls
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


def text_of(output: ToolOutput) -> str:
    (part,) = output.parts
    assert isinstance(part, TextPart)
    return part.text


async def call(servers: Servers, name: str, **arguments: object) -> str:
    (tool,) = [tool for tool in servers.tools if tool.name == name]
    return text_of(await servers.call(tool, arguments))


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[Servers, None]:
    """The program's own tools, in their process, and no MCP server."""
    (tmp_path / "work").mkdir()
    servers = Servers.of(Paths.resolve(), tmp_path, AgentOptions(str(tmp_path / "work")))
    yield servers
    await servers.close()


def test_arguments_are_checked_and_the_model_is_told_what_a_tool_takes(tmp_path: Path) -> None:
    tools = BuiltinTools(AgentOptions(str(tmp_path)))
    tools.check("read_file", "read_file", {"path": "a", "lines": "5"})  # small models write numbers so
    for arguments in ({}, {"path": 1}, {"path": "a", "lines": 0}, {"path": "a", "more": 1}):
        with pytest.raises(InvalidArguments, match=r"the arguments of read_file are wrong: .* takes: path, first_line"):
            tools.check("read_file", "read_file", arguments)
    with pytest.raises(ToolError, match="builtin/gone is none"):
        tools.check("gone", "gone", {})


async def test_the_time_is_told_for_a_zone_and_for_no_other_file(tmp_path: Path) -> None:
    tools = BuiltinTools(AgentOptions(str(tmp_path)))
    assert "day, " in text_of(await tools.call("current_time", {}))
    assert text_of(await tools.call("current_time", {"timezone": "UTC"})).endswith("+00:00 (UTC)")
    for zone in ("../../etc/passwd", "/etc/passwd", "Nowhere/Land", "\0", "America"):
        with pytest.raises(ToolError, match="there is no timezone"):
            await tools.call("current_time", {"timezone": zone})


async def test_a_turn_writes_a_file_once_the_person_allows_it(servers: Servers, tmp_path: Path) -> None:
    engine = FakeEngine([calls(("write_file", '{"path": "a.txt", "content": "hello"}')), Reply(["Written."])])
    engine.model = msgspec.structs.replace(LOADED, n_ctx=8192)  # so that the model is told of all tools
    workspace = Workspace(FakePool(engine), None, ENTRY, servers=servers)
    await servers.settled()
    assert [tool.name for tool in servers.tools][:2] == ["list_directory", "read_file"]
    chat = workspace.new_chat()
    chat.send("Write hello into a.txt")
    await until(lambda: chat.tools.asked)
    (run,) = chat.tools.asked
    assert (run.server, run.tool) == ("builtin", "write_file")
    assert servers.folder_of(run.server) == tmp_path / "work"
    assert list((tmp_path / "work").iterdir()) == []
    chat.tools.answer(run.id, Decision(True, "once"))
    await chat.wait()
    assert (tmp_path / "work" / "a.txt").read_text() == "hello"
    (result,) = [message.parts[0] for message in chat.conversation.path() if message.role == "tool"]
    assert isinstance(result, ToolResultPart)
    assert not result.failed


async def test_a_root_that_is_gone_is_told_as_the_state_of_the_tools(tmp_path: Path) -> None:
    servers = Servers.of(Paths.resolve(), tmp_path, AgentOptions(str(tmp_path / "gone")))
    await servers.settled()
    (state,) = servers.states
    assert (state.health, servers.tools) == ("failed", ())
    assert "the sandbox root" in state.error
    await servers.close()


async def test_they_are_there_also_when_no_server_can_be(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_CONFIG_PATH", str(tmp_path / "gone.json"))
    told: list[str] = []
    servers.tell = told.append
    await servers.settled()
    assert "gone.json" in told[0]
    assert "read_file" in [tool.name for tool in servers.tools]
    assert await servers.read_log("builtin") == ()


async def test_they_are_started_again_when_their_process_has_ended(servers: Servers) -> None:
    await servers.settled()
    workers = [each for each in psutil.Process().children() if "mistral_tui.tools.worker.main" in each.cmdline()]
    workers[-1].kill()
    await until(lambda: servers.states[0].health == "stopped")
    await servers.restart("builtin")
    await until(lambda: servers.states[0].health == "ready")
    assert "day, " in await call(servers, "current_time")


async def test_without_agent_mode_there_are_none(tmp_path: Path) -> None:
    servers = Servers.of(Paths.resolve(), tmp_path)
    await servers.settled()
    assert (servers.states, servers.tools) == ((), ())


def test_no_mcp_server_can_pass_for_the_programs_own_tools() -> None:
    with pytest.raises(Exception, match="means the program's own tools"):
        McpServer("builtin", command="server")


def test_what_models_are_told_of_is_small(tmp_path: Path) -> None:
    tools = BuiltinTools(AgentOptions(str(tmp_path))).state.tools
    assert sum(len(msgspec.json.encode(tool.spec)) for tool in tools) < 4000
