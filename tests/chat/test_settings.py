"""What is set for a chat counts from its next turn on."""

import pytest

from mistral_tui.chat.settings import next_context_policy, next_thinking
from mistral_tui.chat.workspace import Workspace
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core


async def test_thinking_is_switched_from_the_next_turn_on() -> None:
    engine = FakeEngine([Reply()])
    chat = Workspace(FakePool(engine), None, ENTRY).new_chat()
    for expected in (True, False, None):
        assert next_thinking(chat) is expected
        chat.send("Hi")
        await chat.wait()
    assert [request.enable_thinking for request in engine.requests] == [True, False, None]


async def test_the_policy_for_a_full_context_is_switched_from_the_next_turn_on() -> None:
    engine = FakeEngine([Reply()])
    chat = Workspace(FakePool(engine), None, ENTRY).new_chat()
    assert [next_context_policy(chat), next_context_policy(chat)] == ["shift", "stop"]
    chat.send("Hi")
    await chat.wait()
    assert engine.requests[-1].context_policy == "stop"
