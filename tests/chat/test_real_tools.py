"""A real model calls a tool of a real server, from the prompt to the database."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil
import pytest

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.engines.pool import EnginePool
from mistral_tui.store.store import Store
from mistral_tui.tools.servers import Servers
from mistral_tui.types.messages import TextPart
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.requests import GenerateRequest, NamedTool, SamplingParams
from mistral_tui.types.tools import Decision, ToolRun
from tests.real_servers import time_server
from tests.stubs.waiting import until

pytestmark = pytest.mark.mcp

OPTIONS = LoadOptions(n_ctx=2048, max_seqs=1, spill_mb=0, threads=1)
REQUEST = GenerateRequest(sampling=SamplingParams(temperature=0, max_tokens=48))


@pytest.fixture
async def workspace(smollm2: Path, tmp_path: Path) -> AsyncGenerator[Workspace, None]:
    """The real model, the real server, and a database."""
    server = time_server()
    paths = Paths.resolve()
    paths.mcp.parent.mkdir(parents=True, exist_ok=True)
    configured = {"command": server.command, "args": server.args, "env": server.env}
    paths.mcp.write_text(json.dumps({"mcpServers": {server.name: configured}}))
    entry = ModelEntry("SmolLM2", smollm2, "gguf", 98_000_000, downloaded=True)
    workspace = Workspace(
        EnginePool(tmp_path / "logs"),
        Store(paths.database),
        entry,
        OPTIONS,
        REQUEST,
        servers=Servers.of(paths, tmp_path),
    )
    yield workspace
    await workspace.close()


async def called(chat: LiveChat, prompt: str, decision: Decision) -> ToolRun:
    """Send a prompt, answer the one question, and return what the database says of the call."""
    chat.send(prompt)
    await until(lambda: chat.tools.asked or not chat.busy, seconds=60)
    (asked,) = chat.tools.asked
    chat.tools.answer(asked.id, decision)
    await until(lambda: not chat.busy, seconds=60)
    await chat.close()
    store = Store(Paths.resolve().database)
    (run,) = store.tool_runs(chat.conversation.session.id)
    store.close()
    return run


async def test_a_forced_call_is_asked_about_made_answered_and_stored(workspace: Workspace) -> None:
    chat = workspace.new_chat()
    await workspace.servers.settled()
    assert [tool.name for tool in workspace.servers.tools] == ["time_get_current_time", "time_convert_time"]
    chat.tools.choose(NamedTool("time_get_current_time"))
    run = await called(chat, "What time is it in the timezone Europe/Berlin?", Decision(True, "once"))
    assert (run.state, run.server, run.tool, run.approval) == ("done", "time", "get_current_time", "once"), run.error
    assert json.loads(run.arguments)["timezone"]
    assert run.output is not None
    (part,) = run.output.parts
    assert isinstance(part, TextPart)
    assert "datetime" in part.text
    (prompt, call, result, reply) = chat.conversation.path()
    assert [message.role for message in (prompt, call, result, reply)] == ["user", "assistant", "tool", "assistant"]
    assert reply.finish in ("stop", "length")


async def test_servers_whose_process_was_killed_are_there_for_the_next_turn_but_one(workspace: Workspace) -> None:
    await workspace.servers.settled()
    (state,) = workspace.servers.states
    assert state.pid is not None
    psutil.Process(state.pid).parent().kill()  # type: ignore[union-attr] # it has one
    await until(lambda: not workspace.servers.tools)
    workspace.servers.start()
    await until(lambda: workspace.servers.tools)


async def test_a_forced_call_that_is_denied_is_stored_and_the_model_goes_on(workspace: Workspace) -> None:
    chat = workspace.new_chat()
    await workspace.servers.settled()
    chat.tools.choose(NamedTool("time_get_current_time"))
    run = await called(chat, "What time is it in Tokyo?", Decision(False, "once", "the person said no"))
    assert (run.state, run.output, run.error) == ("denied", None, "the person said no")
    assert chat.conversation.path()[-1].role == "assistant"
