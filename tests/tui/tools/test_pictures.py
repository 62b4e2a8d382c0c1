"""Tools on screen as pictures: small and dark, large and light."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.tools import resting
from mistral_tui.types.events import ToolProgressed
from mistral_tui.types.servers import McpServer, ServerState
from mistral_tui.types.tools import Tool, ToolProgress
from tests.stubs.engines import Reply
from tests.stubs.tools import CLOCK, STOP, TIME, FakeBox
from tests.stubs.tools import calls as made
from tests.tui.harness import app_with, ask, main_screen, paste_and_send, paste_into, put, shown_text, started, until
from tests.tui.tools.runs import RUNS, calling
from tests.tui.tools.test_approval import NOON, app_that_calls, asked
from tests.tui.tools.test_servers import app_with_servers, opened

pytestmark = pytest.mark.core

Scene = tuple[MistralApp, Callable[[Pilot[None]], Awaitable[None]]]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}


async def called(pilot: Pilot[None]) -> MistralApp:
    """Have a chat with calls in every state."""
    app = await started(pilot)
    await ask(pilot, "What is the weather, and what do my notes say?", paste_and_send)
    chat = app.pane.chat
    for run in RUNS:
        chat.conversation.note_run(run)
    chat.calls.note(ToolProgressed("r2", ToolProgress(3, 10)))
    chat.conversation.append(calling(*RUNS))
    await app.pane.show_chat(chat)
    await until(pilot, lambda: app.pane.transcript.messages[-1].id == "m")
    await pilot.pause(0.1)
    return app


def calls(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await called(pilot)

    return app_with(Reply(["I will look."]), theme=theme), before


def unfolded(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = await called(pilot)
        app.pane.transcript.open_calls("m", frozenset({0, 3}))
        await pilot.pause()

    return app_with(Reply(["I will look."]), theme=theme), before


def approval(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await asked(pilot)

    return app_that_calls(made(NOON), theme=theme), before


def approval_of_a_change(theme: str) -> Scene:
    tool = Tool("edit_file", "files", "edit_file")
    edits = [{"oldText": "hold up a key", "newText": "wait"}, {"oldText": "two panes", "newText": "three panes"}]
    arguments = json.dumps({"path": "notes.md", "edits": edits})

    async def before(pilot: Pilot[None]) -> None:
        put(Path("notes.md"), "# Notes\n\nWhat two panes draw\nmust not hold up a key.\n\nMore later.\n")
        await asked(pilot, rested=False)

    return app_that_calls(made(("files_edit_file", arguments)), box=FakeBox({"files": (tool,)}), theme=theme), before


def inspector(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = await called(pilot)
        await pilot.press("alt+k", "home")
        await until(pilot, lambda: "by you" in shown_text(main_screen(app).query_one("#calls")))

    return app_with(Reply(["I will look."]), theme=theme), before


def servers(theme: str) -> Scene:
    box = FakeBox({"clock": (TIME, STOP), "weather": ()})
    said = "Ask it for the time."
    ready = ServerState("clock", "ready", "", 4711, "2026-07-28", "clock 1.0", said, (TIME, STOP))
    why = "the MCP server weather ended with exit status 1; it said: no license found"
    app = app_with_servers(box, CLOCK, McpServer("weather", command="weather-server"), theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await opened(pilot)
        box.set_states(ready, ServerState("weather", "failed", why, starts=3))
        await until(pilot, lambda: "4711" in shown_text(pilot.app.screen))

    return app, before


def trying(theme: str) -> Scene:
    app = app_with_servers(FakeBox(), theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.screen.query("#try Field"))
        await paste_into(pilot, "UTC")

    return app, before


def trust(theme: str) -> Scene:
    server = McpServer("clock", command="uvx", args=("clock-server", "--now"), env={"TOKEN": "secret"})
    app = app_with_servers(FakeBox(), server, untrusted=("clock",), theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await opened(pilot, "not running")
        await pilot.press("t")
        await until(pilot, lambda: pilot.app.screen.query("#trust Choices"))

    return app, before


SCENES = (calls, unfolded, approval, approval_of_a_change, inspector, servers, trying, trust)


@pytest.mark.parametrize(("size", "theme"), [("80x24", "mistral-dark"), ("120x36", "mistral-light")])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[str], Scene],
    size: str,
    theme: str,
    snap_compare: Callable[..., bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if scene is approval_of_a_change:
        monkeypatch.setattr(resting, "REST", 60)
    app, before = scene(theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
