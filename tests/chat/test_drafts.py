"""What is typed and not sent."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.drafts import LONGEST, UNREAD, Draft, Drafts
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.store.purging import draft_key
from mistral_tui.store.store import Store
from mistral_tui.types.messages import FilePart, ImagePart, Message, TextPart
from mistral_tui.types.sessions import Session
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


def said(session_id: str) -> Conversation:
    conversation = Conversation(Session(id=session_id))
    conversation.append(Message("user", (TextPart("x"),)))
    return conversation


def drafts_on(path: Path) -> Drafts:
    return Drafts(StoreThread(Store(path)))


async def test_each_chat_has_its_draft_also_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    for name in ("a", "b"):
        assert await drafts.open(said(name)) == Draft()
        drafts.keep(said(name), Draft(f"half of {name}"))
    await drafts.flush()
    again = drafts_on(path)
    assert [await again.open(said(name)) for name in ("a", "b", "c")] == [
        Draft("half of a"),
        Draft("half of b"),
        Draft(),
    ]
    again.keep(said("a"), Draft())
    await again.flush()
    assert await drafts_on(path).open(said("a")) == Draft()


async def test_the_draft_of_a_new_chat_waits_for_the_next_new_chat(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    first, second = Conversation(), Conversation()
    await drafts.open(first)
    drafts.keep(first, Draft("a beginning"))
    assert await drafts.open(second) == Draft()
    drafts.close(first)
    drafts.close(second)
    assert await drafts.open(Conversation()) == Draft("a beginning")
    await drafts.flush()
    assert await drafts_on(path).open(Conversation()) == Draft("a beginning")


async def test_the_draft_of_a_new_chat_becomes_its_own_once_something_is_said(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    chat = Conversation()
    await drafts.open(chat)
    drafts.keep(chat, Draft("Hi"))
    await drafts.flush()
    chat.append(Message("user", (TextPart("Hi"),)))
    drafts.keep(chat, Draft("and then"))
    await drafts.flush()
    assert await drafts_on(path).open(Conversation()) == Draft()
    assert await drafts_on(path).open(chat) == Draft("and then")


async def test_drafts_of_private_chats_and_huge_ones_are_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    private = Conversation(Session(private=True))
    drafts.keep(private, Draft("a secret"))
    drafts.keep(said("a"), Draft("x" * (LONGEST + 1)))
    await drafts.flush()
    assert await drafts.open(private) == Draft("a secret")
    assert Store(path).ui_state(f"draft:{private.session.id}") is None
    assert Store(path).ui_state("draft:a") is None


async def test_without_a_database_drafts_are_kept_for_the_run() -> None:
    drafts = Drafts(None)
    drafts.keep(said("a"), Draft("half"))
    await drafts.flush()
    assert await drafts.open(said("a")) == Draft("half")


async def test_files_are_read_again_in_the_next_run_and_what_was_in_a_prompt_before_is_kept_itself(
    tmp_path: Path,
) -> None:
    path, notes, picture = tmp_path / "chats.db", tmp_path / "notes.txt", tmp_path / "cat.png"
    files = (
        PromptFile(FilePart("notes.txt", "the text"), 8, fit="passages", path=notes),
        PromptFile(ImagePart("/kept/abc.png", "image/png", "cat.png"), 9, path=picture),
        PromptFile(FilePart("before.txt", "from a prompt"), 0, fit="ends"),
    )
    drafts = drafts_on(path)
    drafts.keep(said("a"), Draft("and these", files))
    await drafts.flush()
    assert "the text" not in str(Store(path).ui_state("draft:a"))
    again = await drafts_on(path).open(said("a"))
    assert again.text == "and these"
    assert [(file.part, file.fit, file.path, file.problem) for file in again.files] == [
        (FilePart("notes.txt", ""), "passages", notes, UNREAD),
        (ImagePart("/kept/abc.png", "image/png", "cat.png"), None, picture, UNREAD),
        (FilePart("before.txt", "from a prompt"), "ends", None, ""),
    ]


@pytest.mark.parametrize(
    "stored",
    [
        3,
        {"text": 3},
        {"text": "x", "files": 3},
        {"text": "x", "files": [{"part": {}}]},
        {"text": "x", "files": [{"path": "a", "fit": "odd"}]},
    ],
)
async def test_a_draft_that_makes_no_sense_is_none(tmp_path: Path, stored: object) -> None:
    Store(tmp_path / "chats.db").set_ui_state("draft:a", stored)
    assert await drafts_on(tmp_path / "chats.db").open(said("a")) == Draft()


async def test_files_too_large_to_be_stored_leave_the_text(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    drafts.keep(said("a"), Draft("half", (PromptFile(FilePart("before.txt", "x" * LONGEST), 0),)))
    await drafts.flush()
    assert await drafts_on(path).open(said("a")) == Draft("half")


async def test_a_draft_that_cannot_be_written_now_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chats.db"
    monkeypatch.setattr("mistral_tui.chat.drafts.RETRY_INTERVAL", 0.01)
    monkeypatch.setattr("mistral_tui.chat.drafts.WRITE_INTERVAL", 0.01)
    drafts = Drafts(StoreThread(Store(path, busy_limit=0.01)))
    await drafts.open(said("a"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        drafts.keep(said("a"), Draft("half a word"))
        assert not await drafts.flush()
    await until(lambda: Store(path).ui_state(draft_key("a")) == "half a word")


async def test_drafts_are_written_again_into_a_database_that_was_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mistral_tui.store.database.LOOK_INTERVAL", 0.0)
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    for name in ("a", "b"):
        await drafts.open(said(name))
    drafts.keep(said("a"), Draft("half of a"))
    await drafts.flush()
    for file in (path, tmp_path / "chats.db-wal"):
        file.write_bytes(b"\x55" * file.stat().st_size)
    for text in ("half of b", "most of b"):  # the first write meets the damage
        drafts.keep(said("b"), Draft(text))
        await drafts.flush()
    again = drafts_on(path)
    assert [await again.open(said(name)) for name in ("a", "b")] == [Draft("half of a"), Draft("most of b")]
