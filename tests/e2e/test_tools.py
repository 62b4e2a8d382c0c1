"""A real model is made to call a real server's tool in a real terminal: the question, the result, the database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.config.paths import Paths
from mistral_tui.store.store import Store
from mistral_tui.types.messages import TextPart
from mistral_tui.types.tools import ToolRun
from tests.e2e.program import database
from tests.e2e.tmux import Tmux
from tests.real_servers import time_server

pytestmark = [pytest.mark.mcp, pytest.mark.requires_program("tmux")]


@pytest.fixture
def screen(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tmux]:
    """The interface on the real model, with the real server configured."""
    for name, value in {"TEMPERATURE": "0", "MAX_TOKENS": "40", "DISCOVER": "none"}.items():
        monkeypatch.setenv(f"MISTRAL_TUI_{name}", value)
    server = time_server()
    own = Paths.resolve().mcp
    own.parent.mkdir(parents=True, exist_ok=True)
    configured = {"command": server.command, "args": server.args, "env": server.env}
    own.write_text(json.dumps({"mcpServers": {server.name: configured}}))
    with Tmux("--threads", "1", "-m", str(smollm2)) as screen:
        screen.wait_for("Ask anything")
        yield screen


def runs() -> list[ToolRun]:
    store = Store(database())
    try:
        return [run for session in store.sessions() for run in store.tool_runs(session.id)]
    finally:
        store.close()


def make_it_call(screen: Tmux) -> None:
    """Let the model call a tool first, as soon as its server is ready."""

    def chosen() -> bool:
        screen.type("/toolchoice time_get_current_time")
        screen.press("Enter")
        screen.wait_until(lambda: "must call" in screen.text or "none of the tools" in screen.text, "what was said")
        return "must call" in screen.text

    screen.wait_until(chosen, "the tool")


def test_a_call_is_asked_about_made_shown_and_stored(screen: Tmux) -> None:
    make_it_call(screen)
    screen.type("What time is it in UTC?")
    screen.press("Enter")
    screen.wait_until(lambda: [run.state for run in runs()] == ["asked"], "the question in the database")
    screen.wait_for("get_current_time")
    # Keys that were meant for the prompt answer nothing.
    screen.wait_until(lambda: "o  Allow it" in screen.text and "then you can answer" not in screen.text, "the question")
    screen.press("o")
    screen.wait_until(lambda: [run.state for run in runs()] == ["done"], "the end of the call")
    screen.wait_until(lambda: "esc stop" not in screen.text, "the end of the turn")
    (run,) = runs()
    assert (run.approval, run.server, run.tool) == ("once", "time", "get_current_time")
    assert run.output is not None
    (part,) = run.output.parts
    assert isinstance(part, TextPart)
    assert json.loads(part.text)["timezone"] == "UTC"
    assert "✓ time/get_current_time" in screen.text
    screen.press("M-k")
    screen.wait_for("by you, this once")
    screen.press("M-v")
    screen.wait_for("servers of tools")
    screen.wait_for("convert_time")
    screen.press("Escape")
    screen.press("C-q")
    assert screen.wait_for_exit() == 0
