"""Tools on screen as pictures: small and dark, large and light."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.tools import approval as approval_module
from mistral_tui.types.events import ToolProgressed
from mistral_tui.types.tools import Tool, ToolProgress
from tests.stubs.engines import Reply
from tests.stubs.tools import FakeBox
from tests.stubs.tools import calls as made
from tests.tui.harness import app_with, ask, paste_and_send, put, shown_text, started, until
from tests.tui.tools.runs import RUNS, calling, changed
from tests.tui.tools.test_approval import NOON, app_that_calls, asked

pytestmark = pytest.mark.core

Scene = tuple[MistralApp, Callable[[Pilot[None]], Awaitable[None]]]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}


async def called(pilot: Pilot[None]) -> MistralApp:
    """Have a chat with calls in every state."""
    app = await started(pilot)
    await ask(pilot, "What is the weather, and what do my notes say?", paste_and_send)
    chat = app.pane.chat
    for event in (*changed(*RUNS), ToolProgressed("r2", ToolProgress(3, 10))):
        chat.calls.note(event)
    chat.conversation.append(calling(*RUNS))
    await app.pane.show_chat(chat)
    await until(pilot, lambda: "weather/look" in shown_text(app.pane.transcript))
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


SCENES = (calls, unfolded, approval, approval_of_a_change)


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
        monkeypatch.setattr(approval_module, "REST", 60)
    app, before = scene(theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
