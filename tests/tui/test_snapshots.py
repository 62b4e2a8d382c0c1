"""The main screens as pictures: small and dark, large and light."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.welcome import ModelState, Welcome
from mistral_tui.tui.models.starter import Starter
from mistral_tui.types.errors import BadModelFile, NoChatTemplate
from mistral_tui.types.events import ReasoningDelta
from mistral_tui.types.messages import ReasoningPart, TextPart, ToolCallPart
from mistral_tui.types.models import ModelEntry
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.tui.harness import DOCUMENT, STARTER, app_with, ask, paste_and_send, pieces, started, until

pytestmark = pytest.mark.core

Scene = tuple[MistralApp, Callable[[Pilot[None]], Awaitable[None]]]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
DEATH = "the worker of fake-1M was killed (signal 9); its log ends with “loaded”. Send the prompt again"


def welcome(app: MistralApp) -> ModelState:
    """Return what an empty chat says of the model."""
    return app.pane.query_one(Welcome).state


def empty(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)

    return app_with(theme=theme), before


def chat(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await ask(pilot, "What makes the tides?", paste_and_send)

    return app_with(Reply(pieces(DOCUMENT)), theme=theme), before


def streaming(theme: str) -> Scene:
    half = DOCUMENT[: DOCUMENT.index("    return cos")]

    async def before(pilot: Pilot[None]) -> None:
        app = await started(pilot)
        await paste_and_send(pilot, "What makes the tides?")
        await until(pilot, lambda: "Height" in app.pane.last_reply and app.pane.transcript.flushes)

    return app_with(Reply([half, "x"], hold=asyncio.Event()), theme=theme), before


THOUGHTS = (
    "The person wants to know about the weather in two places. I have a tool for that, and it takes one city at a "
    "time, so I call it twice.\n\nFirst Lima, in degrees Celsius, as is usual there. Then Oslo, where the same "
    "applies; the days can stay as they are. A third call is not needed, because nothing else was asked."
)


def thinking(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = await started(pilot)
        await paste_and_send(pilot, "What is the weather in Lima and in Oslo?")
        await until(pilot, lambda: app.pane.transcript.flushes and app.pane.status.figures.state == "thinking")

    return app_with(Reply([ReasoningDelta(THOUGHTS), "x"], hold=asyncio.Event()), theme=theme), before


def calls(theme: str) -> Scene:
    arguments = '{"city": "Oslo", "unit": "celsius", "what": ["temperature", "wind", "rain", "snow", "sun", "fog"]}'
    parts = (
        *(ReasoningPart(THOUGHTS, 3.24), TextPart("Let me look at **both** of them."), ReasoningPart("Hm.", 75.0)),
        *(ToolCallPart("1", "get_weather", '{"city": "Lima"}'), ToolCallPart("2", "get_weather", arguments)),
    )

    async def before(pilot: Pilot[None]) -> None:
        app = await started(pilot)
        await ask(pilot, "What is the weather in Lima and in Oslo?", paste_and_send)
        app.pane.transcript.finish(msgspec.structs.replace(app.pane.chat.conversation.path()[-1], parts=parts))

    return app_with(Reply(reason="tool_calls"), theme=theme), before


def loading(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: "40%" in app.pane.status.figures.state)
        await pilot.press(*"typed")

    return app_with(pool=FakePool(hold=asyncio.Event()), theme=theme), before


def failed_load(theme: str) -> Scene:
    error = BadModelFile("/models/fake-1M.gguf is not a GGUF file: it begins with “PK”. Fetch it again")

    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: welcome(app).error)

    return app_with(pool=FakePool(error=error), theme=theme), before


def failed_reply(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await ask(pilot, "What makes the tides?", paste_and_send)

    return app_with(Reply(["The Moon pulls on"], reason="failed", error=DEATH), theme=theme), before


def chats(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = await started(pilot)
        for prompt in ("What makes the tides?", "How far is the Moon from here, and why?", "A poem"):
            await pilot.press("ctrl+n")
            await ask(pilot, prompt, paste_and_send)
        if not app.pane.screen.query_one("#chats").display:
            await pilot.press("f2")
        else:
            await pilot.press("shift+tab", "shift+tab")
        await until(pilot, lambda: app.pane.screen.query_one("#chats-rows").has_focus)

    return app_with(Reply(["It is the Moon."]), theme=theme), before


def help_screen(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: pilot.app.screen.query("#help-keys"))

    return app_with(theme=theme), before


def no_model(theme: str) -> Scene:
    async def fetch(report: Callable[[int, int], None]) -> ModelEntry:
        return ENTRY

    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: welcome(app).offer)

    return app_with(entry=None, starter=Starter(STARTER, fetch), theme=theme), before


def fetching(theme: str) -> Scene:
    async def fetch(report: Callable[[int, int], None]) -> ModelEntry:
        report(34_000_000, 98_000_000)
        await asyncio.Event().wait()
        return ENTRY

    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, MistralApp)
        await until(pilot, lambda: welcome(app).offer)
        await pilot.press("f5")
        await until(pilot, lambda: "34 MB" in welcome(app).doing)

    return app_with(entry=None, starter=Starter(STARTER, fetch), theme=theme), before


def template(theme: str) -> Scene:
    pool = FakePool(FakeEngine(), error=NoChatTemplate("fake-1M carries no chat template; choose one"))

    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: pilot.app.screen.query("#template-choice"))

    return app_with(pool=pool, theme=theme), before


SCENES = (
    empty, chat, streaming, thinking, calls, loading, failed_load, failed_reply, chats, help_screen, no_model, fetching,
    template,
)  # fmt: skip


@pytest.mark.parametrize(("size", "theme"), [("80x24", "mistral-dark"), ("120x36", "mistral-light")])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[str], Scene], size: str, theme: str, snap_compare: Callable[..., bool], tmp_path: Path
) -> None:
    app, before = scene(theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
