"""What the tests of panes look at and press."""

from pathlib import Path

from textual.pilot import Pilot

from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.panes.area import PaneArea
from mistral_tui.tui.panes.key_menu import KeyMenu
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.tui.harness import main_screen, until


def area(app: MistralApp) -> PaneArea:
    return main_screen(app).panes


def in_view(app: MistralApp) -> list[ChatPane]:
    return [pane for pane in area(app).panes if pane.display]


async def chord(pilot: Pilot[None], *keys: str) -> None:
    """Press the first key of a chord, then these, each after a first key of its own."""
    for key in keys:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeyMenu))
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyMenu))
    await pilot.pause()


async def panes_are(pilot: Pilot[None], count: int) -> None:
    app = pilot.app
    assert isinstance(app, MistralApp)
    await until(pilot, lambda: len(area(app).panes) == count and area(app).pane.prompt.has_focus, f"{count} panes")


def stored_app(path: Path, *replies: Reply) -> MistralApp:
    pool = FakePool(FakeEngine(list(replies) or [Reply()]))
    return MistralApp(Workspace(pool, Store(path), ENTRY))
