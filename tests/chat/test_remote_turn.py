"""Chats that a model of an endpoint answers: stored, cancelled, failed and tried again like any other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.engines.remote import generation
from mistral_tui.engines.routing import RoutingPool
from mistral_tui.models.remote import remote_entry
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message
from tests.stubs.engines import ENTRY, FakePool
from tests.stubs.openai_server import HANG, Script, Server, reply, serving, text
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "WAITS", (0.0,))


@asynccontextmanager
async def chatting(path: Path, *scripts: Script) -> AsyncGenerator[tuple[Server, Workspace, LiveChat], None]:
    async with serving(*scripts) as server:
        entry = remote_entry((server.endpoint(),), "lab/m")
        workspace = Workspace(RoutingPool(FakePool()), Store(path / "chats.db"), entry)
        chat = workspace.new_chat()
        try:
            yield server, workspace, chat
        finally:
            await workspace.close()


async def say(chat: LiveChat, words: str) -> Message:
    chat.send(words)
    async with asyncio.timeout(20):
        await chat.wait()
    return chat.conversation.path()[-1]


async def test_a_chat_goes_on_over_several_turns_and_is_stored(tmp_path: Path) -> None:
    async with chatting(tmp_path, reply("One."), reply("Two.")) as (server, workspace, chat):
        assert (await say(chat, "1")).text == "One."
        last = await say(chat, "2")
        assert (last.text, last.model, last.finish) == ("Two.", "lab/m", "stop")
        assert [each["content"] for each in server.chats[1].body["messages"]] == ["1", "One.", "2"]
        (session,) = await workspace.library.sessions()
        assert session.model == "lab/m"


async def test_a_failure_is_part_of_the_chat_and_can_be_tried_again(tmp_path: Path) -> None:
    gone = Script.says(500, {"error": "out of memory"})
    async with chatting(tmp_path, gone, gone, reply("Hello")) as (_, _, chat):
        failed = await say(chat, "Hi")
        assert failed.finish == "failed"
        assert "out of memory" in (failed.error or "")
        chat.retry()
        await chat.wait()
        assert chat.conversation.path()[-1].text == "Hello"


async def test_what_was_said_before_a_cancel_stays(tmp_path: Path) -> None:
    async with chatting(tmp_path, Script.events(text("Once upon"), HANG)) as (server, _, chat):
        chat.send("A story")
        await until(lambda: chat.conversation.path()[-1].text == "Once upon")
        chat.cancel()
        await chat.wait()
        assert (chat.conversation.path()[-1].text, chat.conversation.path()[-1].finish) == ("Once upon", "cancelled")
        await until(lambda: server.gone == 1)


async def test_a_chat_moves_between_models_here_and_there(tmp_path: Path) -> None:
    async with chatting(tmp_path, reply("Remote.")) as (_, workspace, chat):
        assert (await say(chat, "1")).model == "lab/m"
        workspace.use_model(chat, ENTRY)
        assert (await say(chat, "2")).text == "Hello there."


async def test_several_choices_come_at_once(tmp_path: Path) -> None:
    async with chatting(tmp_path, reply("Hello")) as (server, _, chat):
        chat.send("Hi", choices=3)
        await chat.wait()
        seeds = {each.body["seed"] for each in server.chats}
        assert len(seeds) == 3
