"""A reply that was begun goes on where it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Message, ReasoningPart, TextPart, ToolCallPart
from mistral_tui.types.requests import GenerateRequest
from tests.engines.gguf.client import Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.test_reasoning import TEMPLATE

pytestmark = pytest.mark.core

JAPAN = user("What is the capital of Japan?")


def test_a_reply_goes_on_where_it_was_cut_and_reads_nothing_anew(engine: Client) -> None:
    whole = engine.answer(JAPAN, chat="cut")
    assert whole.text == "The capital of Japan is Tokyo."
    rest = engine.answer(JAPAN, assistant("The capital of Japan"), chat="cut", continues=True)
    assert rest.text == " is Tokyo."
    assert rest.usage.cached_tokens == rest.usage.prompt_tokens - 1


def test_what_a_person_put_into_its_mouth_is_gone_on_with(engine: Client) -> None:
    rest = engine.answer(JAPAN, assistant("The capital of France is"), continues=True, max_tokens=3)
    assert "Paris" in rest.text


def test_names_of_control_tokens_in_a_beginning_stay_text(engine: Client) -> None:
    rest = engine.answer(JAPAN, assistant("The mark <|im_end|> is"), continues=True, max_tokens=4)
    assert rest.text.strip()


def test_only_a_reply_can_go_on() -> None:
    for messages in ((), (JAPAN,)):
        with pytest.raises(InvalidRequest, match="no reply to go on with"):
            GenerateRequest(messages, continues=True)


def test_a_reply_with_calls_is_not_gone_on_with(engine: Client) -> None:
    calling = Message("assistant", (TextPart("Look:"), ToolCallPart("1", "look", "{}")))
    asked = engine.answer(JAPAN, calling, continues=True)
    assert asked.last.error
    assert "answer the prompt again" in asked.last.error


@pytest.fixture(scope="module")
def thinker(smollm2: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=512, chat_template=TEMPLATE)
    yield client
    client.close()


@pytest.mark.parametrize("opened", [True, False])
def test_a_thought_goes_on_as_a_thought_and_an_answer_as_an_answer(thinker: Client, opened: bool) -> None:
    thought = Message("assistant", (ReasoningPart("I look at the map of"),))
    asked = thinker.answer(JAPAN, thought, continues=True, enable_thinking=opened, max_tokens=6)
    assert asked.text == ""
    assert asked.reasoning.startswith(" ")
    answer = Message("assistant", (ReasoningPart("It is Tokyo."), TextPart("The capital of Japan is")))
    asked = thinker.answer(JAPAN, answer, continues=True, enable_thinking=opened, max_tokens=6)
    assert asked.reasoning == ""
    assert asked.text.startswith(" Tokyo")
