"""Tools, their calls and results in the prompts of real models, through the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.types.messages import Message, ToolCallPart, ToolResultPart
from mistral_tui.types.requests import ToolSpec
from tests.engines.gguf.client import Client, assistant, user
from tests.engines.gguf.conftest import open_engine

pytestmark = pytest.mark.core

WEATHER = ToolSpec(
    "get_weather", "Says what the weather is like.", {"properties": {"city": {"type": "string"}}, "required": ["city"]}
)
ASKED = user("What is the weather in Oslo?")
CALLED = (
    Message("assistant", (ToolCallPart("callid001", "get_weather", '{"city": "Oslo"}'),)),
    Message("tool", (ToolResultPart("callid001", "It rains, 7 degrees."),)),
)


@pytest.fixture(scope="module", params=["smollm2", "qwen"])
def engine(request: pytest.FixtureRequest) -> Iterator[Client]:
    path: Path = request.getfixturevalue(request.param)
    client = open_engine(path, n_ctx=1024, max_seqs=2)
    yield client
    client.close()


def test_tools_are_part_of_the_prompt_unless_they_are_forbidden(engine: Client) -> None:
    bare = engine.answer(ASKED, max_tokens=1).usage.prompt_tokens
    told = engine.answer(ASKED, max_tokens=1, tools=(WEATHER,)).usage.prompt_tokens
    forbidden = engine.answer(ASKED, max_tokens=1, tools=(WEATHER,), tool_choice="none").usage.prompt_tokens
    assert told > bare + 80
    assert forbidden == bare


def test_a_turn_goes_on_after_a_result_and_so_does_the_chat(engine: Client) -> None:
    first = engine.answer(ASKED, chat="tools", max_tokens=1, tools=(WEATHER,))
    second = engine.answer(ASKED, *CALLED, chat="tools", max_tokens=24, tools=(WEATHER,))
    assert second.reason != "failed"
    assert second.usage.cached_tokens >= first.usage.prompt_tokens - 1
    third = engine.answer(
        ASKED, *CALLED, assistant(second.text), user("And in degrees?"), chat="tools", max_tokens=8, tools=(WEATHER,)
    )
    assert third.reason != "failed"
    assert third.usage.cached_tokens >= second.usage.prompt_tokens


def test_the_result_is_what_the_answer_is_made_of(qwen: Path) -> None:
    client = open_engine(qwen, n_ctx=1024, max_seqs=1)
    question = user("So what is the weather there now? Answer with a sentence, and call nothing.")
    answer = client.answer(ASKED, *CALLED, question, max_tokens=40, tools=(WEATHER,))
    client.close()
    assert "7 degrees" in answer.text


def test_a_variable_with_a_reserved_name_is_refused(engine: Client) -> None:
    refused = engine.answer(ASKED, template_arguments={"messages": []})
    assert (refused.reason, refused.last.error) == (
        "failed",
        "messages is no name for a template argument; the request itself sets it",
    )
