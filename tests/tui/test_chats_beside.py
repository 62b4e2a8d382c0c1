"""Several chats: one goes on while another is shown, and the list of them lies beside or over the one in view."""

import asyncio
from pathlib import Path

import pytest
from textual import events

from mistral_tui.chat import others
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.tui import key_order
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.types.events import PromptProgress
from mistral_tui.types.messages import Message, TextPart
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.tui.harness import (
    app_with,
    ask,
    begun,
    main_screen,
    screen_rows,
    shown_text,
    started,
    told,
    type_and_send,
    until,
)

pytestmark = pytest.mark.core


async def test_a_reply_goes_on_while_another_chat_is_open() -> None:
    hold = asyncio.Event()
    async with app_with(Reply(["First", " reply."], hold=hold), Reply(["Second."])).run_test(size=(120, 30)) as pilot:
        app = await begun(pilot, "one")
        first = app.pane.chat
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.pane.chat is not first)
        await ask(pilot, "two")
        await until(pilot, lambda: "● one" in shown_text(main_screen(app).chats))
        hold.set()
        await until(pilot, lambda: "● one" not in shown_text(main_screen(app).chats))
        assert first.conversation.path()[-1].text == "First reply."
        assert "First" not in shown_text(app.pane.transcript)


async def test_a_chat_that_is_answering_is_resumed_in_the_middle_of_its_reply() -> None:
    hold = asyncio.Event()
    async with app_with(Reply(["First", " reply."], hold=hold), Reply(["Second."])).run_test(size=(120, 30)) as pilot:
        app = await begun(pilot, "one")
        first = app.pane.chat
        await pilot.press("ctrl+n")
        await ask(pilot, "two")
        chats = main_screen(app).chats
        await until(pilot, lambda: "● one" in shown_text(chats))
        chats.rows.focus()
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.pane.chat is first)
        assert "● First" in shown_text(app.pane.transcript)
        hold.set()
        await until(pilot, lambda: "First reply." in shown_text(app.pane.transcript))
        assert len(app.pane.transcript.messages) == 2
        assert app.pane.prompt.has_focus


async def test_what_one_chat_is_at_is_not_said_of_another() -> None:
    reading = Reply(["", "Second."], hold=asyncio.Event(), before=[PromptProgress(1, 10)])
    async with app_with(Reply(["First", "."], hold=asyncio.Event()), reading).run_test(size=(120, 30)) as pilot:
        app = await begun(pilot, "one")
        first = app.pane.chat
        await pilot.press("ctrl+n")
        await type_and_send(pilot, "two")
        await until(pilot, lambda: "reading 1/10" in shown_text(app.pane.status))
        await main_screen(app).open_chat(first)
        await until(pilot, lambda: "answering" in shown_text(app.pane.status))


async def test_a_failure_in_another_chat_is_told() -> None:
    hold = asyncio.Event()
    failing = Reply(["First", "."], hold=hold, reason="failed", error="the worker died")
    async with app_with(failing).run_test(size=(120, 30), notifications=True) as pilot:
        app = await begun(pilot, "one")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not app.pane.transcript.messages)
        hold.set()
        await until(pilot, lambda: "“one”: the worker died" in "\n".join(screen_rows(app.screen)))


async def test_at_eighty_columns_the_list_lies_over_the_chat() -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "one")
        chats = main_screen(app).chats
        assert not chats.display
        await pilot.press("ctrl+b")
        await until(pilot, lambda: chats.rows.has_focus and "one" in shown_text(chats))
        await pilot.press("escape")
        assert not chats.display
        assert app.pane.prompt.has_focus


async def test_leaving_the_list_does_not_stop_the_reply_below_it() -> None:
    hold = asyncio.Event()
    async with app_with(Reply(["a ", "b"], hold=hold)).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "one")
        await until(pilot, lambda: app.pane.chat.state == "answering")
        await pilot.press("ctrl+b")
        await until(pilot, lambda: main_screen(app).chats.rows.has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.prompt.has_focus)
        hold.set()
        await until(pilot, lambda: app.pane.last_reply == "a b")


async def test_at_a_hundred_columns_the_list_is_there_and_can_be_folded() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        chats = main_screen(app).chats
        assert chats.display
        await pilot.press("f2")
        await until(pilot, lambda: chats.has_focus_within)
        assert chats.display
        await pilot.press("f2")
        await until(pilot, lambda: not chats.display and app.pane.prompt.has_focus)
        await pilot.press("f2")
        await until(pilot, lambda: chats.display and chats.has_focus_within)


async def test_a_list_that_was_visited_does_not_cover_the_chat_when_the_terminal_becomes_narrow() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        chats = main_screen(app).chats
        await pilot.press("f2", "escape")
        await until(pilot, lambda: app.pane.prompt.has_focus)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not chats.display)
        await pilot.press("f2", "f2")
        await until(pilot, lambda: not chats.display)
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: chats.display)


async def test_a_private_chat_is_marked_and_never_stored(tmp_path: Path) -> None:
    store = Store(tmp_path / "chats.db")
    async with MistralApp(Workspace(FakePool(FakeEngine()), store, ENTRY)).run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: "A private chat" in "\n".join(screen_rows(app.screen)))
        await ask(pilot, "a secret")
        assert "private" in shown_text(app.pane.status)
        await until(pilot, lambda: "private a secret" in shown_text(main_screen(app).chats))
        await pilot.press("ctrl+n")
        await ask(pilot, "no secret")
        assert "private" not in shown_text(app.pane.status)
        await type_and_send(pilot, "/private")
        await until(pilot, lambda: "private" in shown_text(app.pane.status))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "private" not in shown_text(app.pane.status))
    assert [session.title for session in Store(tmp_path / "chats.db").sessions()] == ["no secret"]


async def test_a_new_chat_keeps_the_old_one_in_the_list() -> None:
    async with app_with().run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        await ask(pilot, "the old one")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not app.pane.transcript.messages)
        assert "the old one" in shown_text(main_screen(app).chats)
        assert app.pane.status.figures.context_tokens is None


async def test_a_chat_that_opens_slowly_does_not_take_the_focus_from_where_the_person_went_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_order, "PATIENCE", 0.01)
    async with app_with().run_test(size=(120, 30)) as pilot:
        app = await started(pilot)
        await ask(pilot, "one")
        first = app.pane.chat
        await pilot.press("ctrl+n")
        await ask(pilot, "two")

        async def open_slowly(session_id: str) -> LiveChat:
            await asyncio.sleep(0.1)
            return first

        monkeypatch.setattr(app.workspace, "open_chat", open_slowly)
        await pilot.press("f2", "end")
        app.post_message(events.Key("enter", None))
        app.post_message(events.Key("alt+h", None))
        await until(pilot, lambda: app.pane.chat is first)
        await until(pilot, lambda: main_screen(app).chats.box.has_focus)
        await pilot.press("x")
        assert main_screen(app).chats.box.value == "x"


async def test_an_old_chat_is_opened_from_a_fresh_start(tmp_path: Path) -> None:
    def app() -> MistralApp:
        return MistralApp(Workspace(FakePool(FakeEngine()), Store(tmp_path / "chats.db"), ENTRY))

    async with app().run_test(size=(80, 24)) as pilot:
        await started(pilot)
        await ask(pilot, "remember this")
    async with app().run_test(size=(80, 24)) as pilot:
        again = await started(pilot)
        chats = main_screen(again).chats
        await pilot.press("f2")
        await until(pilot, lambda: "remember this" in shown_text(chats))
        await pilot.press("enter")
        await until(pilot, lambda: "● Hello there." in shown_text(again.pane.transcript))
        assert f"{GLYPH} remember this" in shown_text(again.pane.transcript)
        assert not main_screen(again).chats.display
        assert "12/2,048" in shown_text(again.pane.status)
        await pilot.press("up")
        assert again.pane.prompt.text == "remember this"


async def test_what_another_program_does_with_the_chat_in_view_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "INTERVAL", 0.02)
    path = tmp_path / "chats.db"
    app = MistralApp(Workspace(FakePool(FakeEngine()), Store(path), ENTRY))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await started(pilot)
        await ask(pilot, "one")
        session_id = app.pane.chat.conversation.session.id
        other = Store(path)
        await until(pilot, lambda: len(other.messages(session_id)) == 2)
        other.rename(session_id, "Renamed elsewhere")
        await type_and_send(pilot, "/vsplit")
        await until(pilot, lambda: "\n".join(screen_rows(app.screen)).count("Renamed elsewhere") == 2)
        # Its own branch beside the one in view.
        left = main_screen(app).panes.panes[0]
        other.save(other.session(session_id), [Message("user", (TextPart("said elsewhere"),))])
        await until(pilot, lambda: " 1/2 " in shown_text(left.transcript))
        other.delete(session_id)
        await until(pilot, lambda: told(app, "was deleted by another program"))
        await until(pilot, lambda: "Renamed elsewhere" not in shown_text(main_screen(app).chats))
        await pilot.press("alt+left")
        await ask(pilot, "two")
        await until(pilot, lambda: "Renamed elsewhere" in shown_text(main_screen(app).chats))
        await until(pilot, lambda: len(other.messages(session_id)) == 5)
