"""What is typed and not sent stays with its chat."""

from pathlib import Path

import pytest

from mistral_tui.store.store import Store
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.tray import AttachmentTray
from mistral_tui.types.messages import FilePart, TextPart
from tests.tui.harness import ask, paste_and_send, shown_text, started, until
from tests.tui.sessions.stored import app_on

pytestmark = pytest.mark.core


async def test_what_is_typed_stays_with_its_chat(tmp_path: Path) -> None:
    app = app_on(tmp_path / "chats.db")
    async with app.run_test() as pilot:
        await started(pilot)
        await ask(pilot, "First", paste_and_send)
        first = app.pane.chat
        await pilot.press(*"half")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.pane.chat is not first and not app.pane.prompt.text)
        await ask(pilot, "Second", paste_and_send)
        await pilot.press(*"other")
        await until(pilot, lambda: app.pane.prompt.text == "other")
        await pilot.press("f2", "down", "enter")
        await until(pilot, lambda: app.pane.prompt.text == "half")


async def test_what_is_typed_is_there_in_the_next_run_without_a_proper_end(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    app = app_on(path)
    async with app.run_test() as pilot:
        await started(pilot)
        await pilot.press(*"half")
        # Written while the program runs: nothing has to be done at its end.
        await until(pilot, lambda: Store(path).ui_state("draft:") == "half")
    again = app_on(path)
    async with again.run_test() as pilot:
        await until(pilot, lambda: again.pane.prompt.text == "half")
        await pilot.press("enter")
        await until(pilot, lambda: Store(path).ui_state("draft:") is None)


async def test_what_is_typed_before_the_draft_is_read_follows_it(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    Store(path).set_ui_state("draft:", "a draft")
    app = app_on(path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.pane.prompt.text)
        await pilot.press("x")
        assert app.pane.prompt.text.startswith("a draft")


async def test_attached_files_stay_with_their_chat_and_one_that_is_gone_is_shown_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, kept, gone = tmp_path / "chats.db", tmp_path / "kept.txt", tmp_path / "gone.txt"
    kept.write_text("these words")
    gone.write_text("other words")
    app = app_on(path)
    async with app.run_test() as pilot:
        await started(pilot)
        await ask(pilot, "First", paste_and_send)
        for name in ("kept.txt", "gone.txt"):
            await paste_and_send(pilot, f"/attach {name}")
        await until(pilot, lambda: "gone.txt" in chips(app) and "kept.txt" in chips(app))
        await pilot.press(*"half")
        first = app.pane.chat
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.pane.chat is not first and not chips(app))
        await pilot.press("f2", "enter")
        await until(pilot, lambda: "kept.txt 11 B" in chips(app) and app.pane.prompt.text == "half")
        key = f"draft:{first.conversation.session.id}"
        await until(pilot, lambda: "gone.txt" in str(Store(path).ui_state(key)))
    gone.unlink()
    again = app_on(path)
    async with again.run_test(size=(120, 30)) as pilot:
        await started(pilot)
        await until(pilot, lambda: "First" in shown_text(again.screen.query_one("#chats")))
        await pilot.press("f2", "enter")
        await until(pilot, lambda: "kept.txt 11 B · ~3 tokens ✕   ▤ gone.txt gone" in chips(again))
        await pilot.press("enter")
        await until(pilot, lambda: "gone.txt is gone" in shown_text(again.pane.status))
        assert again.pane.prompt.text == "half"
        await pilot.press("alt+x", "enter")
        await until(pilot, lambda: len(again.pane.chat.conversation) == 4)
        prompt = again.pane.chat.conversation.path()[2]
        assert prompt.parts == (FilePart("kept.txt", "these words"), TextPart("half"))
        await until(pilot, lambda: Store(path).ui_state(key) is None)


def chips(app: MistralApp) -> str:
    return shown_text(app.pane.box.query_one(AttachmentTray))
