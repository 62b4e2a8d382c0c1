"""A small context, filled: by long chats, by long replies, and by many chats at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.adapters import Adapters
from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.placement import Placement
from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from mistral_tui.engines.gguf.scheduling.threads import ThreadGovernor
from mistral_tui.engines.gguf.text.prompt import PromptWriter
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.messages import Message
from mistral_tui.types.models import LoadedModel
from tests.engines.gguf.client import Client, assistant, user

pytestmark = pytest.mark.core

N_CTX = 256
COUNT = user("Write the numbers from 1 to 50, separated by commas.")
STORY = user("Tell me a long story about a king.")


@pytest.fixture(scope="module")
def small(smollm2: Path) -> Iterator[Client]:
    """Return SmolLM2 with three sequences that share the cells of one."""
    model = Model(str(smollm2), "SmolLM2", Placement(), False, lambda fraction: None, lambda: False)
    context = Context(model, N_CTX, 3, 1)
    assert context.cells == N_CTX
    template = ChatTemplate(model.chat_template or "")
    loaded = LoadedModel("SmolLM2", str(smollm2), "llama", N_CTX, 8192, model.vocabulary.size, 1, "test")
    writer = PromptWriter(template, model.vocabulary, N_CTX)
    adapters = Adapters(model, context.handle, ())
    client = Client(Scheduler(loaded, model, context, 3, writer, ThreadGovernor(1), adapters))
    yield client
    client.close()


def test_a_reply_that_fills_the_context_ends_there(small: Client) -> None:
    asked = small.answer(STORY, chat="long")
    assert asked.reason == "context"
    assert asked.usage.context_tokens == N_CTX
    assert asked.usage.prompt_tokens + asked.usage.completion_tokens == N_CTX


def test_the_next_turn_leaves_out_the_oldest_and_says_so(small: Client) -> None:
    messages: list[Message] = []
    left_out: list[int | None] = []
    for number in range(9):
        messages.append(user(f"What is {number} plus one? " + "Think. " * 12))
        asked = small.answer(*messages, chat="growing", max_tokens=12)
        assert asked.reason in ("stop", "length")
        assert asked.usage.context_tokens <= N_CTX
        left_out.append(asked.left_out)
        messages.append(assistant(asked.text))
    assert left_out[0] is None
    first = next(index for index, count in enumerate(left_out) if count)
    assert all(left_out[first:])
    assert any(one == other for one, other in zip(left_out[first:], left_out[first + 1 :], strict=False))


def test_turns_after_a_trim_are_still_cached(small: Client) -> None:
    messages = [m for number in range(6) for m in (user(f"{number} " + "word " * 20), assistant("word " * 10))]
    first = small.answer(*messages, user("One?"), chat="trimmed", max_tokens=4)
    assert first.left_out
    second = small.answer(*messages, user("One?"), assistant(first.text), user("Two?"), chat="trimmed", max_tokens=4)
    assert second.left_out == first.left_out
    assert second.usage.cached_tokens >= first.usage.prompt_tokens


def test_chats_that_do_not_fit_together_take_turns_and_say_what_they_say_alone(small: Client) -> None:
    alone = small.answer(COUNT, max_tokens=100)
    assert alone.text.startswith("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20")
    asked = [small.ask(COUNT, chat=str(number), max_tokens=100) for number in range(4)]
    assert [one.end().text for one in asked] == [alone.text] * 4
    assert [one.usage.completion_tokens for one in asked] == [100] * 4
    assert [one.told_tokens for one in asked] == [100] * 4


def test_an_idle_chat_makes_way_and_comes_back(small: Client) -> None:
    first = small.answer(COUNT, chat="idle", max_tokens=60)
    small.answer(user("word " * 180), chat="large", max_tokens=16)
    again = small.answer(COUNT, chat="idle", max_tokens=60)
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert again.text == first.text
