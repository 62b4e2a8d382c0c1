"""The servers of a running program: what may be started is, and nothing holds anybody up."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from mistral_tui.config.paths import Paths
from mistral_tui.tools.naming import LONGEST, named
from mistral_tui.tools.servers import Servers
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import Tool
from tests.stubs.tools import CLOCK, FakeBox, servers_with
from tests.stubs.waiting import until

pytestmark = pytest.mark.core

NOTES = McpServer("notes", command="notes-server")


def health(servers: Servers) -> dict[str, str]:
    return {state.name: state.health for state in servers.states}


async def test_servers_are_started_once_and_their_tools_get_names_for_models() -> None:
    box = FakeBox()
    servers = servers_with(box)
    changes: list[tuple[ServerState, ...]] = []
    servers.listen(lambda: changes.append(servers.states))
    assert servers.states == ()
    servers.start()
    servers.start()
    await servers.settled()
    assert [tool.name for tool in servers.tools] == ["clock_time", "clock_stop"]
    assert changes[-1] == servers.states
    await servers.close()
    assert box.closed


async def test_a_server_of_a_project_waits_until_the_person_agrees() -> None:
    box = FakeBox()
    servers = servers_with(box, CLOCK, NOTES, untrusted=("notes",))
    told: list[str] = []
    servers.tell = told.append
    await servers.settled()
    assert box.used == (CLOCK,)
    assert health(servers) == {"clock": "ready", "notes": "stopped"}
    assert told == ["MCP servers of this project wait for you to agree to them: notes"]
    with pytest.raises(InvalidRequest, match=r"notes of .* is not trusted yet"):
        await servers.restart("notes")
    await servers.agree("notes")
    assert health(servers) == {"clock": "ready", "notes": "ready"}


async def test_a_server_that_is_off_is_started_only_when_the_person_says_so() -> None:
    box = FakeBox()
    servers = servers_with(box, CLOCK, McpServer("notes", command="notes-server", enabled=False))
    await servers.settled()
    assert health(servers) == {"clock": "ready", "notes": "stopped"}
    await servers.restart("notes")
    assert health(servers) == {"clock": "ready", "notes": "ready"}
    assert box.restarted == []
    await servers.restart("notes")
    assert box.restarted == ["notes"]


async def test_a_value_that_only_the_person_knows_is_asked_for_and_put_in() -> None:
    box = FakeBox()
    servers = servers_with(box, McpServer("notes", command="notes-server", env={"KEY": "${input:key}"}))
    await servers.settled()
    (state,) = servers.states
    assert (state.health, state.error) == (
        "failed",
        "the MCP server notes cannot be started: the input key was not given; set it, or turn the server off",
    )
    assert [value.id for value in servers.inputs_of("notes")] == ["key"]
    await servers.give_inputs({"key": "secret"})
    assert box.used[0].env == {"KEY": "secret"}
    assert servers.inputs_of("notes") == ()
    assert servers.configured[0].server.env == {"KEY": "${input:key}"}, "what is shown has no secret in it"


async def test_servers_whose_process_has_ended_are_started_again_when_they_are_wanted() -> None:
    box = FakeBox()
    servers = servers_with(box)
    await servers.settled()
    box.set_states(ServerState("clock", "stopped", "the process of the tools was killed"))
    assert [tool.name for tool in servers.tools] == []
    servers.start()
    await servers.settled()
    assert [tool.name for tool in servers.tools] == ["clock_time", "clock_stop"]


async def test_no_more_calls_are_made_at_once_than_the_configuration_says() -> None:
    box = FakeBox(hold=asyncio.Event())
    servers = servers_with(box, at_once=2)
    await servers.settled()
    (time, _) = servers.tools
    made = [asyncio.create_task(servers.call(time, {"number": number})) for number in range(4)]
    await until(lambda: len(box.made) == 2)
    made[2].cancel()
    await asyncio.gather(made[2], return_exceptions=True)
    assert box.hold is not None
    box.hold.set()
    await asyncio.gather(*made, return_exceptions=True)
    assert [arguments["number"] for _, arguments in box.made] == [0, 1, 3]


async def test_a_server_that_nobody_has_configured_is_named_with_those_that_there_are() -> None:
    servers = servers_with(FakeBox())
    await servers.settled()
    with pytest.raises(InvalidRequest, match="there is no MCP server 'moon'; there are: clock"):
        await servers.restart("moon")


async def test_a_configuration_that_cannot_be_read_is_told_and_nothing_else_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_CONFIG_PATH", str(tmp_path / "mcp.json"))
    (tmp_path / "mcp.json").write_text("{")
    servers = Servers.of(Paths.resolve(), tmp_path)
    told: list[str] = []
    servers.tell = told.append
    await servers.settled()
    (notice,) = told
    assert "mcp.json" in notice
    assert servers.tools == ()
    await servers.close()


def test_names_for_models_are_plain_unique_and_the_same_each_time() -> None:
    prefixed = McpServer("files", command="files", tool_prefix="")
    servers = {"files": prefixed, "a.b": McpServer("a.b", command="b")}
    tools = [
        Tool(name, server, name)
        for server, name in [("files", "read"), ("a.b", "läs"), ("a.b", "l s"), ("files", "x" * 100)]
    ]
    names = [tool.name for tool in named(tools, servers)]
    assert names[:2] == ["read", "a_b_l_s"]
    assert len(set(names)) == 4
    assert all(len(name) <= LONGEST for name in names)
    assert [tool.name for tool in named(tools, servers)] == names
    assert named(tools, {})[0].name == "files_read"
    assert msgspec.structs.replace(named(tools, servers)[0], name="read") == tools[0]
