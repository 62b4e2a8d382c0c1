"""The list of chats and its dialogs as pictures, in two sizes, dark and light."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from mistral_tui.store.store import Store
from mistral_tui.tui.sessions.export_dialog import ExportDialog
from mistral_tui.tui.sessions.line_dialog import LineDialog
from tests.tui.harness import main_screen, started, until
from tests.tui.sessions.stored import app_on, store_chat

pytestmark = pytest.mark.core

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
DAY = 86_400.0
Scene = Callable[[Pilot[None]], Awaitable[None]]


def write_chats(path: Path) -> None:
    """Store chats of long ago, so that their dates are the same on every day and in every time zone."""
    tides = ("What makes the tides?", "The **Moon** pulls on the ocean, and the water bulges towards it.")
    store_chat(path, "What makes the tides?", *tides, "And the Sun?", "It helps at new and full moon.", when=20 * DAY)
    store_chat(path, "How far is the Moon from here?", "How far is the Moon?", "384,400 km, on average.", when=19 * DAY)
    store_chat(path, "A poem about rain", when=18 * DAY)
    store_chat(path, "Rust lifetimes explained", "lifetimes?", "How long a reference is valid.", when=17 * DAY)
    store_chat(path, "Packing list for Norway", when=16 * DAY)
    store = Store(path)
    store.pin("packing-list-for-norway", True)
    store.tag("rust-lifetimes-explained", ("rust", "work"))
    store.close()


def listed(pilot: Pilot[None]) -> int:
    """How many rows the list of chats has."""
    return pilot.app.screen.query_one("#chats-rows", OptionList).option_count


async def the_list(pilot: Pilot[None]) -> None:
    await pilot.press("f2", "down")


async def hits(pilot: Pilot[None]) -> None:
    await pilot.press("alt+h", *"moon")
    await until(pilot, lambda: listed(pilot) > 4)


async def nothing_found(pilot: Pilot[None]) -> None:
    await pilot.press("alt+h", *"zzz")
    await until(pilot, lambda: listed(pilot) == 0)


async def empty_archive(pilot: Pilot[None]) -> None:
    await pilot.press("f2", "alt+v")
    await until(pilot, lambda: listed(pilot) == 0)


async def found_message(pilot: Pilot[None]) -> None:
    await pilot.press("alt+h", *"bulges")
    await until(pilot, lambda: listed(pilot) == 1)
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.screen.query(".-found"))


async def export_dialog(pilot: Pilot[None]) -> None:
    await pilot.press("f2", "down", "alt+e")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
    await pilot.press("down")


async def rename_dialog(pilot: Pilot[None]) -> None:
    await pilot.press("f2", "down", "alt+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))


SCENES = (the_list, hits, nothing_found, empty_archive, found_message, export_dialog, rename_dialog)
LOOKS = {"80x24": "mistral-light", "120x36": "mistral-dark"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_sessions_look_as_accepted(scene: Scene, size: str, snap_compare: Callable[..., bool], tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    write_chats(path)
    app = app_on(path, theme=LOOKS[size])

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await until(pilot, lambda: main_screen(app).chats.rows.option_count)
        await scene(pilot)
        await pilot.pause(0.2)

    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)
