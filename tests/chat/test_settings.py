"""What is set for a chat counts from its next turn on, and whenever the chat is opened again."""

from pathlib import Path

import msgspec
import pytest

from mistral_tui.chat import others
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.settings import next_context_policy, next_thinking, with_settings
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.types.catalog import CatalogEntry
from mistral_tui.types.models import Adapter
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.stubs.catalog import FakeCatalog
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply
from tests.stubs.waiting import until

pytestmark = pytest.mark.core

OTHER = msgspec.structs.replace(ENTRY, name="other", path=Path("/models/other.gguf"))


def workspace_on(path: Path, request: GenerateRequest | None = None) -> Workspace:
    catalog = FakeCatalog([CatalogEntry(ENTRY, "inventory"), CatalogEntry(OTHER, "inventory")])
    return Workspace(FakePool(), Store(path), ENTRY, request=request, catalog=lambda: catalog)


async def begun(workspace: Workspace) -> LiveChat:
    chat = workspace.new_chat()
    chat.send("Hi")
    await chat.wait()
    return chat


async def test_thinking_is_switched_from_the_next_turn_on() -> None:
    engine = FakeEngine([Reply()])
    chat = Workspace(FakePool(engine), None, ENTRY).new_chat()
    for _ in range(3):
        chat.settings.use(next_thinking(chat.request))
        chat.send("Hi")
        await chat.wait()
    assert [request.enable_thinking for request in engine.requests] == [True, False, None]


async def test_the_policy_for_a_full_context_is_switched_from_the_next_turn_on() -> None:
    engine = FakeEngine([Reply()])
    chat = Workspace(FakePool(engine), None, ENTRY).new_chat()
    chat.settings.use(next_context_policy(next_context_policy(chat.request)))
    chat.send("Hi")
    await chat.wait()
    assert engine.requests[-1].context_policy == "stop"


async def test_a_chat_is_opened_again_with_its_own_settings(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    lora = tmp_path / "poet.gguf"
    lora.touch()
    first = workspace_on(path)
    chat = await begun(first)
    chat.settings.use_sampling(SamplingParams(temperature=0.25, stop=("END",)))
    chat.settings.use(next_thinking(next_context_policy(chat.request)))
    chat.settings.use_adapters((Adapter(str(lora), 0.5),))
    chat.settings.use_system_prompt("Be brief.")
    chat.settings.use_model(OTHER)  # chosen, and it has not answered yet
    await first.close()
    # What is usual may be otherwise by then; it counts for what was not set.
    usual = GenerateRequest(sampling=SamplingParams(temperature=0.9, top_k=7))
    second = workspace_on(path, usual)
    again = await second.open_chat(chat.conversation.session.id)
    assert again.request.sampling == SamplingParams(temperature=0.25, stop=("END",), top_k=7)
    assert (again.request.context_policy, again.request.enable_thinking) == ("shift", True)
    assert again.request.adapters == (Adapter(str(lora), 0.5),)
    assert (again.conversation.session.system_prompt, again.entry) == ("Be brief.", OTHER)
    fork = second.fork(again, again.conversation.path()[0].id)
    assert (fork.request.sampling, fork.entry) == (again.request.sampling, OTHER)
    assert fork.conversation.session.settings == again.conversation.session.settings
    # What is set to what is usual is not set any more.
    again.settings.use_sampling(msgspec.structs.replace(again.request.sampling, temperature=0.9, stop=()))
    assert not {"temperature", "stop", "top_k"} & again.conversation.session.settings.keys()
    assert second.new_chat().request.sampling == usual.sampling
    await second.close()


async def test_what_another_program_sets_counts_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "INTERVAL", 0.02)
    path = tmp_path / "chats.db"
    first, second = workspace_on(path), workspace_on(path)
    here = await begun(first)
    here.subscribe(lambda event: None)
    await until(lambda: len(Store(path).messages(here.conversation.session.id)) == 2)
    first.watch_others(lambda: None)
    there = await second.open_chat(here.conversation.session.id)
    there.settings.use_sampling(SamplingParams(temperature=0.5))
    await until(lambda: here.request.sampling.temperature == 0.5)
    await second.close()
    await first.close()


async def test_a_lora_that_is_gone_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    first = workspace_on(tmp_path / "chats.db")
    chat = await begun(first)
    chat.settings.use_adapters((Adapter(str(tmp_path / "gone.gguf")),))
    await first.close()
    second = workspace_on(tmp_path / "chats.db")
    told: list[str] = []
    second.listen(told.append)
    again = await second.open_chat(chat.conversation.session.id)
    assert again.request.adapters == ()
    assert told == [f"{tmp_path / 'gone.gguf'}, a LoRA of this chat, is not here any more; it goes on without it"]
    await second.close()


def test_settings_that_make_no_sense_are_left_out() -> None:
    usual = GenerateRequest(sampling=SamplingParams(top_k=7))
    strange = {
        "temperature": 99, "top_p": "much", "stop": [3], "adapters": "x", "context_policy": "hope", "unknown": [],
        "enable_thinking": True,
    }  # fmt: skip
    assert with_settings(usual, strange) == msgspec.structs.replace(usual, enable_thinking=True)
