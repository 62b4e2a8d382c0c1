"""Panes, tabs and comparisons as pictures, in two sizes, dark and light."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.compare.screen import CompareScreen
from mistral_tui.tui.panes.key_menu import KeyMenu
from tests.stubs.engines import Reply
from tests.tui.compare.test_compare_screen import begin, choose, comparing, shows
from tests.tui.harness import DOCUMENT, app_with, ask, paste_and_send, pieces, started, until
from tests.tui.panes.arrangement import area, chord, panes_are

pytestmark = pytest.mark.core

Scene = tuple[MistralApp, Callable[[Pilot[None]], Awaitable[None]]]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
POEM = (
    "Twice a day the water climbs\nthe sand, and twice lets go,\n\nas if the Moon kept asking it\nand never got a *no*."
)


async def two_panes(pilot: Pilot[None]) -> MistralApp:
    app = await started(pilot)
    await ask(pilot, "What makes the tides?", paste_and_send)
    await chord(pilot, "v")
    await panes_are(pilot, 2)
    await ask(pilot, "A poem about them, please", paste_and_send)
    return app


def split(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        app = await two_panes(pilot)
        await chord(pilot, "t")
        await until(pilot, lambda: len(area(app).tabs.tabs) == 2 and app.pane.prompt.has_focus)
        await paste_and_send(pilot, "How far is the Moon from here?")
        await until(pilot, lambda: app.pane.last_reply)
        await chord(pilot, "1", "s")
        await panes_are(pilot, 3)
        await until(pilot, lambda: app.pane.status.figures.context_size)

    replies = [Reply(pieces(DOCUMENT)), Reply([POEM]), Reply(["About ", "x"], hold=asyncio.Event())]
    return app_with(*replies, theme=theme), before


def to_all(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await two_panes(pilot)
        await chord(pilot, "a")
        await pilot.press(*"And", "space", *"why")
        await pilot.pause()

    return app_with(Reply(["It is the Moon, mostly."]), Reply([POEM]), theme=theme), before


def keys(theme: str) -> Scene:
    async def before(pilot: Pilot[None]) -> None:
        await two_panes(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeyMenu))

    return app_with(Reply(["It is the Moon, mostly."]), Reply([POEM]), theme=theme), before


def choice(theme: str) -> Scene:
    app, _ = comparing(Reply(), Reply(), theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await choose(pilot, "What makes the tides?")

    return app, before


def answers(theme: str) -> Scene:
    app, _ = comparing(Reply(pieces(DOCUMENT)), Reply([POEM, "x"], hold=asyncio.Event()), theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        screen = await begin(pilot, "What makes the tides?")
        await until(pilot, lambda: shows(pilot, "Twice a day", "tokens") and isinstance(screen, CompareScreen))

    return app, before


@pytest.mark.parametrize(("size", "theme"), [("80x24", "mistral-dark"), ("120x36", "mistral-light")])
@pytest.mark.parametrize("scene", [split, to_all, keys, choice, answers], ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[str], Scene], size: str, theme: str, snap_compare: Callable[..., bool]
) -> None:
    app, before = scene(theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
