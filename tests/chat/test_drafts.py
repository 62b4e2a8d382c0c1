"""What is typed and not sent."""

from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.drafts import LONGEST, Drafts
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session

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
        assert await drafts.open(said(name)) == ""
        drafts.keep(said(name), f"half of {name}")
    await drafts.flush()
    again = drafts_on(path)
    assert [await again.open(said(name)) for name in ("a", "b", "c")] == ["half of a", "half of b", ""]
    again.keep(said("a"), "")
    await again.flush()
    assert await drafts_on(path).open(said("a")) == ""


async def test_the_draft_of_a_new_chat_waits_for_the_next_new_chat(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    first, second = Conversation(), Conversation()
    await drafts.open(first)
    drafts.keep(first, "a beginning")
    assert await drafts.open(second) == ""
    drafts.close(first)
    drafts.close(second)
    assert await drafts.open(Conversation()) == "a beginning"
    await drafts.flush()
    assert await drafts_on(path).open(Conversation()) == "a beginning"


async def test_the_draft_of_a_new_chat_becomes_its_own_once_something_is_said(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    chat = Conversation()
    await drafts.open(chat)
    drafts.keep(chat, "Hi")
    await drafts.flush()
    chat.append(Message("user", (TextPart("Hi"),)))
    drafts.keep(chat, "and then")
    await drafts.flush()
    assert await drafts_on(path).open(Conversation()) == ""
    assert await drafts_on(path).open(chat) == "and then"


async def test_drafts_of_private_chats_and_huge_ones_are_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    drafts = drafts_on(path)
    private = Conversation(Session(private=True))
    drafts.keep(private, "a secret")
    drafts.keep(said("a"), "x" * (LONGEST + 1))
    await drafts.flush()
    assert await drafts.open(private) == "a secret"
    assert Store(path).ui_state(f"draft:{private.session.id}") is None
    assert Store(path).ui_state("draft:a") is None


async def test_without_a_database_drafts_are_kept_for_the_run() -> None:
    drafts = Drafts(None)
    drafts.keep(said("a"), "half")
    await drafts.flush()
    assert await drafts.open(said("a")) == "half"
