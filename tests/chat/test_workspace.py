import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.resources import data_file
from mistral_tui.engines.engine import Engine
from mistral_tui.store.store import Store
from mistral_tui.types.catalog import CatalogEntry
from mistral_tui.types.errors import ConfigError, InvalidRequest, LoadCancelled, NoChatTemplate, StoreError
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from tests.stubs.catalog import FakeCatalog
from tests.stubs.engines import ENTRY, LOADED, FakeEngine, FakePool, Reply
from tests.stubs.waiting import until

pytestmark = pytest.mark.core

OTHER = msgspec.structs.replace(ENTRY, name="other", path=Path("/models/other.gguf"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def workspace_on(path: Path | None, pool: FakePool | None = None) -> Workspace:
    return Workspace(pool or FakePool(), None if path is None else Store(path), ENTRY)


async def say(chat: LiveChat, text: str) -> None:
    chat.send(text)
    await chat.wait()


async def test_a_chat_is_resumed_by_the_next_run(path: Path) -> None:
    first = workspace_on(path)
    chat = first.new_chat(system_prompt="Be brief.")
    await say(chat, "Hi")
    chat.retry()
    await chat.wait()
    await first.close()
    second = workspace_on(path)
    (session,) = await second.library.sessions()
    again = await second.open_chat(session.id)
    assert again.conversation.session == chat.conversation.session == session
    assert again.conversation.messages == chat.conversation.messages
    assert again.conversation.path() == chat.conversation.path()
    await say(again, "More")
    assert len((await second.open_chat(session.id)).conversation.path()) == 4
    await second.close()


async def test_a_private_chat_leaves_nothing_in_the_database(path: Path) -> None:
    workspace = workspace_on(path)
    chat = workspace.new_chat(private=True)
    await say(chat, "a secret")
    session_id = chat.conversation.session.id
    assert await workspace.open_chat(session_id) is chat
    assert [session.id for session in await workspace.library.sessions()] == [session_id]
    await workspace.close()
    assert b"secret" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert Store(path).sessions() == []


async def test_an_empty_chat_is_not_stored_or_listed(path: Path) -> None:
    workspace = workspace_on(path)
    workspace.new_chat()
    assert await workspace.library.sessions() == []
    await workspace.close()
    assert Store(path).sessions() == []


async def test_a_chat_goes_on_answering_while_another_is_open(path: Path) -> None:
    engine = FakeEngine([Reply(("Long ", "tale"), hold=asyncio.Event()), Reply()])
    workspace = workspace_on(path, FakePool(engine))
    first = workspace.new_chat()
    leave = first.subscribe(lambda event: None)
    first.send("A tale")
    leave()
    second = workspace.new_chat()
    await say(second, "Hi")
    assert first.busy
    assert await workspace.open_chat(first.conversation.session.id) is first
    hold = engine.replies[0].hold
    assert hold is not None
    hold.set()
    await first.wait()
    assert first.conversation.path()[-1].text == "Long tale"
    await workspace.close()


async def test_a_chat_that_is_idle_stored_and_unwatched_is_let_go(path: Path) -> None:
    workspace = workspace_on(path)
    chat = workspace.new_chat()
    await say(chat, "Hi")
    await until(lambda: not chat.in_use)
    again = await workspace.open_chat(chat.conversation.session.id)
    assert again is not chat
    assert again.conversation.messages == chat.conversation.messages
    await workspace.close()


async def test_sessions_come_page_by_page_with_living_ones_among_them(path: Path) -> None:
    workspace = workspace_on(path)
    for number in range(5):
        await say(workspace.new_chat(), f"prompt {number}")
    private = workspace.new_chat(private=True)
    await say(private, "private")
    first = await workspace.library.sessions(limit=3)
    second = await workspace.library.sessions(limit=3, before=first[-1])
    assert [session.title for session in first + second] == [
        "private",
        "prompt 4",
        "prompt 3",
        "prompt 2",
        "prompt 1",
        "prompt 0",
    ]
    await workspace.close()


async def test_a_session_is_renamed_while_it_lives_and_later(path: Path) -> None:
    workspace = workspace_on(path)
    chat = workspace.new_chat()
    await say(chat, "Hi")
    session_id = chat.conversation.session.id
    await workspace.library.rename(session_id, "  A new\nname ")
    assert [session.title for session in await workspace.library.sessions()] == ["A new"]
    await say(chat, "More")
    await workspace.close()
    assert Store(path).session(session_id).title == "A new"
    with pytest.raises(InvalidRequest, match="empty"):
        await workspace.library.rename(session_id, " \n")


async def test_a_session_is_deleted_while_it_answers(path: Path) -> None:
    pool = FakePool(FakeEngine([Reply(("Long ", "tale"), hold=asyncio.Event())]))
    workspace = workspace_on(path, pool)
    chat = workspace.new_chat()
    chat.send("A tale")
    await until(lambda: chat.state == "answering")
    await workspace.library.delete(chat.conversation.session.id)
    assert not chat.busy
    assert await workspace.library.sessions() == []
    with pytest.raises(StoreError, match="no session"):
        await workspace.open_chat(chat.conversation.session.id)
    await workspace.close()
    assert Store(path).sessions() == []


async def test_without_a_store_chats_live_in_memory() -> None:
    workspace = workspace_on(None)
    chat = workspace.new_chat()
    await say(chat, "Hi")
    (session,) = await workspace.library.sessions()
    assert await workspace.open_chat(session.id) is chat
    await workspace.library.rename(session.id, "Named")
    assert chat.conversation.session.title == "Named"
    await workspace.library.delete(session.id)
    assert await workspace.library.sessions() == []
    with pytest.raises(StoreError):
        await workspace.open_chat(session.id)
    await workspace.close()


async def test_all_who_wait_for_one_load_share_it() -> None:
    pool = FakePool(hold=asyncio.Event())
    workspace = workspace_on(None, pool)
    early: list[LoadProgress] = []
    late: list[LoadProgress] = []
    first = asyncio.create_task(workspace.preload(early.append))
    await until(lambda: bool(early))
    second = asyncio.create_task(workspace.preload(late.append))
    await until(lambda: bool(late))
    assert pool.hold is not None
    pool.hold.set()
    assert await first is await second is pool.engine
    assert early == late
    assert pool.loads == [ENTRY]


async def test_another_model_answers_from_the_next_turn_on() -> None:
    pool = FakePool()
    workspace = workspace_on(None, pool)
    chat = workspace.new_chat()
    await say(chat, "Hi")
    workspace.entry = OTHER
    await say(chat, "Hi")
    workspace.options = LoadOptions(n_ctx=512)
    await say(chat, "Hi")
    assert pool.loads == [ENTRY, OTHER, OTHER]


async def test_a_load_that_nobody_waits_for_any_more_is_stopped_when_another_model_is_chosen() -> None:
    pool = FakePool(hold=asyncio.Event())
    workspace = workspace_on(None, pool)
    first = asyncio.create_task(workspace.preload())
    await until(lambda: len(pool.loads) == 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert pool.hold is not None
    workspace.entry = OTHER
    second = asyncio.create_task(workspace.preload())
    await until(lambda: len(pool.loads) == 2)
    pool.hold.set()
    assert await second is pool.engine


async def test_closing_ends_a_load_and_whoever_waits_for_it() -> None:
    pool = FakePool(hold=asyncio.Event())
    workspace = workspace_on(None, pool)
    loading = asyncio.create_task(workspace.preload())
    await until(lambda: len(pool.loads) == 1)
    await workspace.close()
    assert pool.closed
    with pytest.raises(LoadCancelled, match="fake-1M"):
        await loading


class PickyPool(FakePool):
    """Loads nothing without a chat template."""

    async def acquire(
        self, entry: ModelEntry, options: LoadOptions, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> FakeEngine:
        if options.chat_template is None:
            raise NoChatTemplate(f"{entry.name} has no chat template")
        return await super().acquire(entry, options, on_progress)


async def test_a_chat_template_is_asked_for_once_and_remembered_for_its_model(path: Path) -> None:
    first = workspace_on(path, PickyPool())
    with pytest.raises(NoChatTemplate):
        await first.preload()
    await first.choose_chat_template("{{ messages }}")
    engine: Engine = await first.preload()
    assert engine.model.name == "fake-1M"
    await first.close()
    second = workspace_on(path, PickyPool())
    await second.preload()
    second.entry = OTHER
    with pytest.raises(NoChatTemplate):
        await second.preload()
    await second.close()


class NotingPool(FakePool):
    """Notes the chat template of each load."""

    def __init__(self) -> None:
        super().__init__()
        self.templates: list[str | None] = []

    async def acquire(
        self, entry: ModelEntry, options: LoadOptions, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> FakeEngine:
        self.templates.append(options.chat_template)
        return await super().acquire(entry, options, on_progress)


async def test_a_flag_wins_over_a_remembered_template_and_that_over_the_inventorys(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_text("from the inventory")
    entry = msgspec.structs.replace(ENTRY, chat_template=str(file))
    pool = NotingPool()
    workspace = Workspace(pool, Store(path), ENTRY)
    await workspace.preload()
    workspace.entry = entry
    await workspace.preload()
    await workspace.choose_chat_template("remembered")
    await workspace.preload()
    workspace.options = LoadOptions(chat_template="from a flag")
    await workspace.preload()
    await workspace.close()
    assert pool.templates == [None, "from the inventory", "remembered", "from a flag"]
    again = Workspace(pool, Store(path), entry)
    await again.preload()
    await again.close()
    assert pool.templates[-1] == "remembered"


async def test_a_template_of_the_inventory_may_be_named_and_must_exist() -> None:
    pool = NotingPool()
    workspace = Workspace(pool, None, msgspec.structs.replace(ENTRY, chat_template="chatml"))
    await workspace.preload()
    assert pool.templates == [data_file("chat_templates").joinpath("chatml.jinja").read_text()]
    workspace.entry = msgspec.structs.replace(ENTRY, chat_template="missing")
    with pytest.raises(ConfigError, match="missing"):
        await workspace.preload()
    await workspace.close()


async def test_a_database_that_cannot_be_read_does_not_keep_a_model_from_loading(path: Path) -> None:
    workspace = workspace_on(path.parent)  # a folder
    assert await workspace.preload()
    await workspace.close()


def workspace_with(path: Path, *entries: ModelEntry, entry: ModelEntry = ENTRY) -> Workspace:
    """Make a workspace with a catalogue of these models."""
    catalog = FakeCatalog([CatalogEntry(each, "inventory") for each in entries])
    return Workspace(NamingPool(), Store(path), entry, catalog=lambda: catalog)


class NamingPool(FakePool):
    """Its engines have the names of the models that were asked for."""

    async def acquire(
        self, entry: ModelEntry, options: LoadOptions, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> FakeEngine:
        self.loads.append(entry)
        return FakeEngine(model=msgspec.structs.replace(LOADED, name=entry.name))


async def test_a_chat_that_is_opened_again_has_the_model_that_answered_it_last(path: Path) -> None:
    first = workspace_with(path, ENTRY, OTHER)
    chat = first.new_chat()
    await say(chat, "Hi")
    first.use_model(chat, OTHER)
    await say(chat, "And now?")
    await first.close()
    again = workspace_with(path, ENTRY, OTHER)
    reopened = await again.open_chat(chat.conversation.session.id)
    assert again.entry_of(reopened) == OTHER
    assert again.entry_of(again.new_chat()) == ENTRY
    assert set(await again.models_last_used()) == {"other"}
    await again.close()


async def test_a_model_that_is_gone_is_replaced_by_the_default_and_that_is_said(path: Path) -> None:
    first = workspace_with(path, OTHER, entry=OTHER)
    chat = first.new_chat()
    await say(chat, "Hi")
    await first.close()
    for left in ((), (msgspec.structs.replace(OTHER, downloaded=False),)):
        again = workspace_with(path, ENTRY, *left)
        told: list[str] = []
        again.listen(told.append)
        reopened = await again.open_chat(chat.conversation.session.id)
        assert again.entry_of(reopened) == ENTRY
        assert told == ["other, which answered this chat, is not here any more; fake-1M goes on"]
        await again.close()


async def test_another_default_is_for_chats_that_have_not_begun(path: Path) -> None:
    workspace = workspace_with(path, ENTRY, OTHER)
    begun, empty = workspace.new_chat(), workspace.new_chat()
    await say(begun, "Hi")
    workspace.use_by_default(OTHER)
    assert workspace.entry_of(begun) == ENTRY
    assert workspace.entry_of(empty) == OTHER
    await workspace.close()


async def test_a_model_that_was_unloaded_is_loaded_again_when_that_is_wanted(path: Path) -> None:
    pool = FakePool()
    workspace = workspace_on(path, pool)
    await workspace.load_model(ENTRY)
    await workspace.load_model(ENTRY)
    assert len(pool.loads) == 1
    assert [held.name for held in await workspace.loaded_models()] == [ENTRY.name]
    await workspace.unload_model(ENTRY)
    await workspace.load_model(ENTRY)
    assert len(pool.loads) == 2
    await workspace.close()
