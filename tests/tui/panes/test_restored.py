"""Panes and tabs come back with the next run."""

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.panes.memory import KEY
from mistral_tui.types.catalog import CatalogEntry
from tests.stubs.catalog import FakeCatalog
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.tui.harness import ask, main_screen, paste_and_send, started, until
from tests.tui.panes.arrangement import area, chord, in_view, panes_are, stored_app

pytestmark = pytest.mark.core

WIDE = (160, 40)


async def test_panes_and_tabs_come_back_with_the_next_run_but_only_what_is_stored(tmp_path: Path) -> None:
    app = stored_app(tmp_path / "chats.db", Reply(["one"]), Reply(["two"]), Reply(["three"]))
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await ask(pilot, "first", paste_and_send)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        await ask(pilot, "second", paste_and_send)
        await chord(pilot, "s")
        await panes_are(pilot, 3)
        await chord(pilot, "t")
        await until(pilot, lambda: len(area(app).tabs.tabs) == 2 and app.pane.prompt.has_focus)
        await ask(pilot, "third", paste_and_send)
        await chord(pilot, "1")
        await until(pilot, lambda: area(app).tabs.index == 0)
    app = stored_app(tmp_path / "chats.db")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(area(app).tabs.tabs) == 2 and len(area(app).panes) == 2)
        await until(pilot, lambda: [pane.last_reply for pane in area(app).panes] == ["one", "two"])
        await until(pilot, lambda: all(pane.size.width > 40 for pane in in_view(app)))
        await chord(pilot, "n")
        await until(pilot, lambda: app.pane.last_reply == "three")
        await chord(pilot, "X", "x")
        await panes_are(pilot, 1)
    app = stored_app(tmp_path / "chats.db")
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await until(pilot, lambda: area(app)._remembered is None)
        assert len(area(app).tabs.panes) == 1
        assert not len(app.pane.chat.conversation)


async def test_who_types_before_panes_are_back_keeps_what_was_typed(tmp_path: Path) -> None:
    app = stored_app(tmp_path / "chats.db")
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await ask(pilot, "first", paste_and_send)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        await ask(pilot, "second", paste_and_send)
    gate = threading.Event()

    class SlowStore(Store):
        def ui_state(self, key: str) -> Any:
            if key == KEY:
                gate.wait(10)
            return super().ui_state(key)

    app = MistralApp(Workspace(FakePool(FakeEngine()), SlowStore(tmp_path / "chats.db"), ENTRY))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*"typed")
        gate.set()
        await until(pilot, lambda: len(area(app).tabs.tabs) == 2)
        assert app.pane.prompt.text == "typed"
        assert len(area(app).tabs.panes) == 3
        await pilot.press("ctrl+u")
    gate.clear()
    app = MistralApp(Workspace(FakePool(FakeEngine()), SlowStore(tmp_path / "chats.db"), ENTRY))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("alt+h", *"fir")
        gate.set()
        await until(pilot, lambda: len(in_view(app)) == 2)
        await pilot.press(*"st")
        assert main_screen(app).chats.box.value == "first"


async def test_a_deleted_chat_leaves_an_empty_pane_wherever_it_was_shown(tmp_path: Path) -> None:
    app = stored_app(tmp_path / "chats.db")
    async with app.run_test(size=WIDE) as pilot:
        await started(pilot)
        await ask(pilot, "first", paste_and_send)
        first = app.pane
        gone = first.chat.conversation.session.id
        other = msgspec.structs.replace(ENTRY, name="other", path=Path("/models/other.gguf"))
        first.chat.settings.use_model(other)
        await chord(pilot, "t")
        await until(pilot, lambda: app.pane is not first)
        await area(app).forget(gone)
        await until(pilot, lambda: not first.transcript.messages and not len(first.chat.conversation))
        assert first.chat.conversation.session.id != gone
        assert first.chat.entry == other


async def test_panes_come_back_with_their_own_models(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    other = msgspec.structs.replace(ENTRY, name="other", path=Path("/models/other.gguf"))
    catalog = FakeCatalog([CatalogEntry(ENTRY, "inventory"), CatalogEntry(other, "inventory")])

    def app_of_two_models() -> MistralApp:
        return MistralApp(Workspace(FakePool(), Store(path), ENTRY, catalog=lambda: catalog))

    app = app_of_two_models()
    async with app.run_test(size=(160, 40)) as pilot:
        await started(pilot)
        await ask(pilot, "one", paste_and_send)
        await chord(pilot, "v")
        await panes_are(pilot, 2)
        app.pane.chat.settings.use_model(other)
        app.pane.model.show(app.pane.chat)
        await until(pilot, lambda: "other" in str(Store(path).ui_state(KEY)))
    again = app_of_two_models()
    async with again.run_test(size=(160, 40)) as pilot:
        await panes_are(pilot, 2)
        first, second = area(again).panes
        assert (first.chat.entry, second.chat.entry) == (None, other)
        # A chat that is begun there goes on with the pane's model.
        await ask(pilot, "two", paste_and_send)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not len(again.pane.chat.conversation))
        assert again.pane.chat.entry == other
