"""Tools on screen as pictures: small and dark, large and light."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.types.events import ToolProgressed
from mistral_tui.types.tools import ToolProgress
from tests.stubs.engines import Reply
from tests.tui.harness import app_with, ask, paste_and_send, started
from tests.tui.tools.runs import RUNS, calling, changed

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


SCENES = (calls, unfolded)


@pytest.mark.parametrize(("size", "theme"), [("80x24", "mistral-dark"), ("120x36", "mistral-light")])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[str], Scene], size: str, theme: str, snap_compare: Callable[..., bool]
) -> None:
    app, before = scene(theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
