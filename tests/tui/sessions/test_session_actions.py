"""What is done with a chat: by keys in the list, by commands for the one in view."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from mistral_tui.chat.conversation import Conversation
from mistral_tui.store.store import Store
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.sessions.export_dialog import ExportDialog
from mistral_tui.tui.sessions.line_dialog import LineDialog
from tests.stubs.engines import Reply
from tests.tui.harness import ask, main_screen, paste_and_send, screen_rows, shown_text, started, until
from tests.tui.sessions.stored import app_on, store_chat

pytestmark = pytest.mark.core


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "chats.db"
    store_chat(path, "Tides", "What makes the tides?", "The moon pulls.", "And the sun?", "It helps.", when=3000.0)
    store_chat(path, "Rain", "A poem", "Drops.", when=2000.0)
    store_chat(path, "Packing", when=1000.0)
    return path


@asynccontextmanager
async def listed(path: Path, *replies: Reply, keys: tuple[str, ...] = ("f2",)) -> AsyncIterator[Pilot[None]]:
    """Run the interface with the list of chats in focus."""
    app = app_on(path, *replies)
    async with app.run_test(size=(120, 36)) as pilot:
        await started(pilot)
        await until(pilot, lambda: main_screen(app).chats.rows.option_count)
        await pilot.press(*keys)
        yield pilot


def app_of(pilot: Pilot[None]) -> MistralApp:
    assert isinstance(pilot.app, MistralApp)
    return pilot.app


def titles(pilot: Pilot[None], archived: bool = False) -> list[str]:
    """Return the titles of the stored sessions, in the order of the list."""
    path = app_of(pilot).workspace.library._store
    assert path is not None
    return [session.title for session in Store(path.store.path).sessions(archived=archived)]


def texts(app: MistralApp) -> list[str]:
    """Return what is said in the branch in view."""
    return [message.text for message in app.pane.chat.conversation.path()]


def told(pilot: Pilot[None]) -> str:
    return " ".join(toast.message for toast in pilot.app._notifications)


async def answer(pilot: Pilot[None], text: str) -> None:
    """Type into the dialog that is open."""
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog | ExportDialog))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")


async def test_a_chat_is_renamed(path: Path) -> None:
    async with listed(path) as pilot:
        await pilot.press("alt+r")
        await answer(pilot, "The sea\x1b[2J")
        await until(pilot, lambda: titles(pilot) == ["The sea", "Rain", "Packing"])
        await until(pilot, lambda: "The sea" in "\n".join(screen_rows(main_screen(app_of(pilot)))))
        await pilot.press("alt+r", "escape")
        assert titles(pilot)[0] == "The sea"
        # Also where it was found.
        chats = main_screen(app_of(pilot)).chats
        await pilot.press("alt+h", *"moon")
        await until(pilot, lambda: "The sea" in shown_text(chats) and chats.rows.option_count == 1)
        await pilot.press("alt+r")
        await answer(pilot, "The moon and the sea")
        await until(pilot, lambda: "The moon and the sea" in shown_text(chats) and "found  2" in shown_text(chats))


async def test_a_chat_is_tagged_and_found_by_its_tag(path: Path) -> None:
    async with listed(path) as pilot:
        await pilot.press("alt+t")
        await answer(pilot, "#Sea moon")
        chats = main_screen(app_of(pilot)).chats
        await until(pilot, lambda: "#moon #sea" in "\n".join(screen_rows(main_screen(app_of(pilot)))))
        await pilot.press(*"tag:", *"sea")
        await until(pilot, lambda: chats.rows.option_count == 4)


async def test_a_chat_is_pinned_and_no_longer(path: Path) -> None:
    async with listed(path, keys=("f2", "end")) as pilot:
        await pilot.press("alt+k")
        await until(pilot, lambda: titles(pilot) == ["Packing", "Tides", "Rain"])
        await until(pilot, lambda: "pinned" in "\n".join(screen_rows(main_screen(app_of(pilot)))))
        await pilot.press("alt+k")
        await until(pilot, lambda: titles(pilot) == ["Tides", "Rain", "Packing"])


async def test_a_chat_goes_into_the_archive_and_comes_out_of_it(path: Path) -> None:
    async with listed(path) as pilot:
        chats = main_screen(app_of(pilot)).chats
        await pilot.press("alt+a")
        await until(pilot, lambda: titles(pilot) == ["Rain", "Packing"])
        await until(pilot, lambda: "archive" in told(pilot))
        await pilot.press("alt+v")
        await until(pilot, lambda: chats.archived and chats.target == "tides")
        await pilot.press("alt+a")
        await until(pilot, lambda: titles(pilot, archived=True) == [])
        await until(pilot, lambda: "The archive is empty" in "\n".join(screen_rows(main_screen(app_of(pilot)))))


async def test_a_chat_is_deleted_and_brought_back(path: Path) -> None:
    async with listed(path) as pilot:
        app = app_of(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.pane.chat.conversation) == 4)
        await pilot.press("f2", "delete")
        await until(pilot, lambda: titles(pilot) == ["Rain", "Packing"])
        await until(pilot, lambda: not len(app.pane.chat.conversation))
        await until(pilot, lambda: "brings it back" in told(pilot))
        # The next one is highlighted, so that several can be deleted in a row.
        await until(pilot, lambda: main_screen(app).chats.target == "rain")
        await pilot.press("alt+u")
        await until(pilot, lambda: titles(pilot) == ["Tides", "Rain", "Packing"])
        await pilot.press("alt+u")
        await until(pilot, lambda: "no deleted chat" in told(pilot))


async def test_a_chat_goes_on_in_a_copy(path: Path) -> None:
    async with listed(path) as pilot:
        app = app_of(pilot)
        await pilot.press("alt+y")
        await until(pilot, lambda: len(app.pane.chat.conversation) == 4)
        assert app.pane.chat.conversation.session.id != "tides"
        await pilot.press("escape")
        await ask(pilot, "Only here", paste_and_send)
        await until(pilot, lambda: len(titles(pilot)) == 4)
        stored = app.workspace.library._store
        assert stored is not None
        assert len(Store(stored.store.path).messages("tides")) == 4


async def test_a_chat_is_exported_and_imported(path: Path, tmp_path: Path) -> None:
    async with listed(path) as pilot:
        file = tmp_path / "tides.json"
        await pilot.press("alt+e")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
        assert pilot.app.screen.query_one(Input).value == "Tides.md"
        await pilot.press("down")
        assert pilot.app.screen.query_one(Input).value == "Tides.json"
        await answer(pilot, str(file))
        await until(pilot, file.exists)
        assert len(json.loads(file.read_text())["messages"]) == 4
        await pilot.press("alt+e")
        await answer(pilot, str(file))
        await until(pilot, lambda: "is there already" in told(pilot))
        chats = main_screen(app_of(pilot)).chats
        chats.box.value = "moon"
        await until(pilot, lambda: chats.rows.option_count == 1)
        await pilot.press("delete", "alt+i")
        await answer(pilot, str(file))
        await until(pilot, lambda: "imported: “Tides”" in told(pilot))
        await until(pilot, lambda: not chats.box.value and "Tides" in shown_text(chats))
        await pilot.press("alt+i")
        await answer(pilot, str(file))
        await until(pilot, lambda: "no new chats imported, 1 was there already" in told(pilot))
        await pilot.press("alt+i")
        await answer(pilot, str(tmp_path / "nothing.json"))
        await until(pilot, lambda: "is not there" in told(pilot))


async def test_the_model_names_a_chat(path: Path) -> None:
    async with listed(path, Reply(['Title: "Why the sea', ' rises".'])) as pilot:
        await pilot.press("alt+n")
        await until(pilot, lambda: titles(pilot)[0] == "Why the sea rises")


async def test_commands_are_for_the_chat_in_view(path: Path, tmp_path: Path) -> None:
    async with listed(path, keys=("f2", "enter")) as pilot:
        app = app_of(pilot)
        await until(pilot, lambda: len(app.pane.chat.conversation) == 4)
        await paste_and_send(pilot, "/rename A wave")
        await until(pilot, lambda: titles(pilot)[0] == "A wave")
        await paste_and_send(pilot, "/tag sea")
        await paste_and_send(pilot, "/tag moon")
        await until(pilot, lambda: app.pane.chat.conversation.session.tags == ("moon", "sea"))
        await paste_and_send(pilot, "/pin")
        await until(pilot, lambda: app.pane.chat.conversation.session.pinned)
        await paste_and_send(pilot, f"/export {tmp_path / 'wave.html'}")
        await until(pilot, (tmp_path / "wave.html").exists)
        await paste_and_send(pilot, "/archive")
        await until(pilot, lambda: titles(pilot, archived=True) == ["A wave"])
        await paste_and_send(pilot, "/delete")
        await until(pilot, lambda: not len(app.pane.chat.conversation))
        await paste_and_send(pilot, "/rename Nothing")
        await until(pilot, lambda: "nothing was said" in told(pilot))
        await paste_and_send(pilot, "/undelete")
        await until(pilot, lambda: titles(pilot, archived=True) == ["A wave"])


async def test_a_search_shows_hits_and_leads_to_the_message(path: Path) -> None:
    long = [f"line {number}" for number in range(120)]
    long[6] = "the needle is here"
    store_chat(path, "Long", *long, when=500.0)
    async with listed(path, keys=("alt+h",)) as pilot:
        app = app_of(pilot)
        chats = main_screen(app).chats
        assert chats.box.has_focus
        await pilot.press(*"needl")
        await until(pilot, lambda: chats.rows.option_count == 1)
        assert "needle" in "\n".join(screen_rows(main_screen(app)))
        await pilot.press("enter")
        await until(pilot, lambda: len(app.pane.chat.conversation) == 120)
        await until(pilot, lambda: app.pane.transcript.query(".-found"))
        (found,) = app.pane.transcript.query(".-found")
        await until(pilot, lambda: app.pane.transcript.region.contains_region(found.region))
        assert app.pane.prompt.has_focus


async def test_a_tagged_chat_that_is_found_keeps_its_title_where_there_is_room(path: Path) -> None:
    store_chat(path, "The tides of the northern seas", when=9000.0)
    async with listed(path, keys=("f2", "enter")) as pilot:
        app = app_of(pilot)
        await until(pilot, lambda: len(app.pane.chat.conversation))
        await paste_and_send(pilot, "/tag water")
        await pilot.resize_terminal(80, 24)
        await pilot.press("f2", *"northern")
        await until(
            pilot, lambda: any("The tides of the northern seas #water" in row for row in screen_rows(app.screen))
        )


async def test_a_search_that_finds_nothing_or_makes_no_sense_says_so(path: Path) -> None:
    async with listed(path, keys=("f2",)) as pilot:
        screen = main_screen(app_of(pilot))
        await pilot.press(*"zzzz")
        await until(pilot, lambda: "Nothing is found." in "\n".join(screen_rows(screen)))
        screen.chats.find("before:never")
        await until(pilot, lambda: "is no date" in "\n".join(screen_rows(screen)))
        await pilot.press("escape")
        await until(pilot, lambda: not screen.chats.box.value)
        await until(pilot, lambda: screen.chats.rows.option_count == 4)
        await pilot.press("escape")
        assert app_of(pilot).pane.prompt.has_focus


async def test_the_best_hits_come_first_on_request(path: Path) -> None:
    store_chat(path, "Best", "moon moon moon", when=100.0)
    async with listed(path, keys=("alt+h",)) as pilot:
        chats = main_screen(app_of(pilot)).chats
        await pilot.press(*"moon")
        await until(pilot, lambda: chats.rows.option_count == 2 and chats.target == "tides")
        await pilot.press("alt+w")
        await until(pilot, lambda: chats.target == "best")


async def test_a_hit_in_another_branch_shows_that_branch(path: Path) -> None:
    store = Store(path)
    conversation = Conversation(store.session("rain"), store.messages("rain"))
    prompt = conversation.path()[0]
    store_chat(path, "Other")
    conversation.select(prompt.id)
    other = conversation.append(store.messages("other")[1])
    store.delete("other")
    store.purge(float("inf"))
    store.save(conversation.session, [other])
    async with listed(path, keys=("alt+h",)) as pilot:
        app = app_of(pilot)
        await pilot.press(*"drops")
        await until(pilot, lambda: main_screen(app).chats.rows.option_count == 1)
        await pilot.press("enter")
        await until(
            pilot, lambda: [message.text for message in app.pane.chat.conversation.path()] == ["A poem", "Drops."]
        )


async def test_hostile_titles_and_messages_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    store_chat(path, "x", "[bold]evil[/bold] \x1b]0;pwned\x07 \u202e needle", when=1000.0)
    store = Store(path)
    store.rename("x", "[red]\x1b[2J title [/nothing]")
    store.tag("x", ("\x1b[31m[b]",))
    async with listed(path) as pilot:
        await until(pilot, lambda: "[red]" in "\n".join(screen_rows(main_screen(app_of(pilot)))))
        await pilot.press(*"needle")
        await until(pilot, lambda: "[/bold]" in "\n".join(screen_rows(main_screen(app_of(pilot)))))
        assert "\x1b" not in "\n".join(screen_rows(main_screen(app_of(pilot))))


async def test_alt_and_a_letter_is_a_key_also_where_one_types(path: Path) -> None:
    async with listed(path, keys=()) as pilot:
        app = app_of(pilot)
        # As a terminal sends it: with the letter.
        app.post_message(events.Key("alt+h", "h"))
        await until(pilot, lambda: main_screen(app).chats.box.has_focus)
        assert app.pane.prompt.text == ""
        app.post_message(events.Key("alt+v", "v"))
        await until(pilot, lambda: main_screen(app).chats.archived)
        assert main_screen(app).chats.box.value == ""
