"""What is remembered of a chat while it goes on, when the store fails, and when the program is killed."""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mistral_tui.chat import recorder
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.events import SavingChanged
from mistral_tui.chat.importing.files import read_sessions
from mistral_tui.chat.recorder import Recorder
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.store.rows import INTERRUPTED
from mistral_tui.store.store import Store
from mistral_tui.types.events import EngineEvent, Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart, Usage
from mistral_tui.types.requests import GenerateRequest
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def stored(path: Path) -> list[tuple[str, str]]:
    """What another program finds."""
    store = Store(path)
    try:
        return [(message.role, message.text) for session in store.sessions() for message in store.messages(session.id)]
    finally:
        store.close()


class Asking(FakeEngine):
    """Looks into the database at the moment at which it is asked."""

    path = Path()
    found: list[tuple[str, str]] = []

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        self.found = stored(self.path)
        yield Finished("stop", Usage())


async def test_the_prompt_is_stored_before_the_engine_is_asked(path: Path) -> None:
    engine = Asking()
    engine.path = path
    workspace = Workspace(FakePool(engine), Store(path), ENTRY)
    chat = workspace.new_chat()
    chat.send("Hi")
    await chat.wait()
    assert engine.found == [("user", "Hi")]
    await workspace.close()


async def test_a_reply_is_stored_while_it_is_written(path: Path) -> None:
    hold = asyncio.Event()
    workspace = Workspace(FakePool(FakeEngine([Reply(("Once ", "upon"), hold=hold)])), Store(path), ENTRY)
    chat = workspace.new_chat()
    chat.send("A tale")
    await until(lambda: ("assistant", "Once ") in stored(path))
    hold.set()
    await chat.wait()
    await workspace.close()
    assert stored(path) == [("user", "A tale"), ("assistant", "Once upon")]


async def test_a_prompt_that_is_taken_back_is_not_stored(path: Path) -> None:
    workspace = Workspace(FakePool(hold=asyncio.Event()), Store(path), ENTRY)
    chat = workspace.new_chat()
    chat.send("Hi")
    await until(lambda: stored(path) == [("user", "Hi")])
    chat.cancel()
    await chat.wait()
    await until(lambda: stored(path) == [])
    assert await workspace.library.sessions() == []
    await workspace.close()


async def test_a_chat_goes_on_unsaved_while_the_database_is_locked_and_is_saved_after(path: Path) -> None:
    Store.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    workspace = Workspace(FakePool(), Store(path, busy_limit=0.01), ENTRY)
    chat = workspace.new_chat()
    saving: list[str | None] = []
    chat.subscribe(lambda event: saving.append(event.unsaved) if isinstance(event, SavingChanged) else None)
    chat.send("Hi")
    await chat.wait()
    assert chat.conversation.path()[-1].text == "Hello there."
    assert "locked" in str(chat.unsaved)
    assert chat.in_use
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: chat.unsaved is None)
    assert len(saving) == 2
    assert stored(path) == [("user", "Hi"), ("assistant", "Hello there.")]
    await workspace.close()


async def test_a_database_that_is_known_to_be_read_only_is_not_tried_again_and_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    store = Store(path)
    attempts = 0
    save = store.save

    def count(*args: Any) -> None:
        nonlocal attempts
        attempts += 1
        save(*args)

    monkeypatch.setattr(store, "save", count)
    monkeypatch.setattr(recorder, "RETRY_INTERVAL", 0.0)
    workspace = Workspace(FakePool(), store, ENTRY)
    chat = workspace.new_chat()
    chat.send("Hi")
    await chat.wait()
    for _ in range(50):  # each waits for its turn behind the attempts
        await workspace.library.sessions()
    assert "newer version" in str(chat.unsaved)
    assert attempts <= 5
    await workspace.close()


async def test_closing_does_not_wait_for_ever_for_a_database_that_cannot_be_written(path: Path) -> None:
    workspace = Workspace(FakePool(), Store(path.parent), ENTRY)
    chat = workspace.new_chat()
    chat.send("Hi")
    await chat.wait()
    async with asyncio.timeout(10):
        await workspace.close()
    assert chat.unsaved is not None
    assert "folder" in chat.unsaved
    (file,) = Paths.resolve().state.glob("mistral-tui-unsaved-*.json")
    assert workspace.last_words.startswith(f"1 chat could not be saved and went into {file};")
    (rescued,) = read_sessions(file, path.parent)
    assert isinstance(rescued, Conversation)
    assert [message.text for message in rescued.messages] == ["Hi", "Hello there."]


async def test_a_chat_is_written_again_as_a_whole_when_its_database_was_lost(path: Path) -> None:
    workspace = Workspace(FakePool(), Store(path), ENTRY)
    chat = workspace.new_chat()
    leave = chat.subscribe(lambda event: None)
    chat.send("Hi")
    await chat.wait()
    await until(lambda: len(stored(path)) == 2)
    shutil.rmtree(path.parent)
    chat.send("More")
    await chat.wait()
    await until(lambda: len(stored(path)) == 4)
    leave()
    await workspace.close()
    assert [text for _, text in stored(path)] == ["Hi", "Hello there.", "More", "Hello there."]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("anfwr"), st.text(max_size=20)), max_size=15))
async def test_whatever_happens_the_store_ends_as_the_conversation(path: Path, steps: list[tuple[str, str]]) -> None:
    """Messages are added, grow, are finished and taken back, while writes happen in between or not."""
    shutil.rmtree(path.parent)
    thread = StoreThread(Store(path))
    conversation = Conversation()
    recorder = Recorder(conversation, thread, lambda unsaved: None, lambda: None)
    for step, words in steps:
        leaf = conversation.leaf_id
        if step == "a" or leaf is None:
            recorder.note(conversation.append(Message("user", (TextPart(words),))))
        elif step == "n":
            recorder.note(conversation.append(Message("assistant", (TextPart(words),), finish="stop")))
        elif step == "f":
            conversation.replace(Message("assistant", (TextPart(words),), id=leaf, finish="stop"))
            recorder.note(conversation[leaf])
        elif step == "w":
            await recorder.flush(10)
        else:
            conversation.remove(leaf)
            recorder.forget(leaf)
    await recorder.flush(10)
    recorder.stop()
    await thread.close()
    with contextlib.closing(Store(path)) as store:
        messages = store.messages(conversation.session.id)
        assert {message.id: message.parts for message in messages} == {
            message.id: message.parts for message in conversation.messages
        }
        assert [session.leaf_id for session in store.sessions()] == [conversation.leaf_id] * bool(messages)


class Steady(FakeEngine):
    """Goes on for ever, and says on standard output when it had said how much."""

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[EngineEvent, None]:
        said = 0
        while True:
            yield TextDelta("word ")
            said += len("word ")
            print(json.dumps([time.monotonic(), said]), flush=True)
            await asyncio.sleep(0.005)


def chat_until_killed(path: str) -> None:
    async def chat() -> None:
        workspace = Workspace(FakePool(Steady()), Store(Path(path)), ENTRY)
        endless = workspace.new_chat()
        endless.send("Go on for ever")
        await endless.wait()

    asyncio.run(chat())


def test_a_killed_program_loses_only_the_last_moments(path: Path) -> None:
    script = "import sys; from tests.chat.test_recorder import chat_until_killed; chat_until_killed(sys.argv[1])"
    program = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    said: list[tuple[float, int]] = []
    for line in program.stdout:
        said.append(tuple(json.loads(line)))
        if said[-1][0] - said[0][0] > 1.5:
            break
    program.kill()
    killed = time.monotonic()
    said += [tuple(json.loads(line)) for line in program.stdout if line.endswith("\n")]
    program.wait()
    program.stdout.close()
    (session,) = Store(path).sessions()
    prompt, reply = Store(path).messages(session.id)
    assert session.title == prompt.text == "Go on for ever"
    assert (reply.finish, reply.error) == ("failed", INTERRUPTED)
    # A quarter of a second is promised; the machine that runs the tests may be busy.
    old_enough = [length for moment, length in said if moment < killed - 1]
    assert len(reply.text) >= old_enough[-1]
    lost_since = next((moment for moment, length in said if length > len(reply.text)), killed)
    print(f"lost: the last {killed - lost_since:.3f} s")
