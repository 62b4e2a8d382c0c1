"""Real models call tools: by themselves, because they must, and well-formed whatever they would rather write."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Message, TextPart, ToolCallPart, ToolResultPart
from mistral_tui.types.requests import GenerateRequest, Grammar, NamedTool, ToolSpec
from tests.engines.gguf.client import Asked, Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.parsing.splitting import TIME

pytestmark = pytest.mark.core

WEATHER = ToolSpec(
    "get_weather",
    "Weather of a city",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["city"],
    },
)
TOOLS = (WEATHER, TIME)
PARIS = user("What is the weather in Paris?")


@pytest.fixture(scope="module")
def coder(qwen: Path) -> Iterator[Client]:
    client = open_engine(qwen, n_ctx=2048, threads=1)
    yield client
    client.close()


def arguments_of(asked: Asked, name: str) -> list[dict[str, Any]]:
    """Return the arguments of the calls of a tool, which must be right."""
    found = [json.loads(arguments) for called, arguments in asked.calls if called == name]
    for arguments in found:
        assert isinstance(arguments, dict)
        tool = next(tool for tool in TOOLS if tool.name == name)
        assert arguments.keys() <= tool.parameters["properties"].keys()
        assert arguments.keys() >= set(tool.parameters["required"])
    return found


@pytest.mark.parametrize("sampling", [{"temperature": 0.0}, {"temperature": 0.8, "seed": 2}], ids=str)
def test_a_model_calls_a_tool_by_itself(coder: Client, sampling: dict[str, Any]) -> None:
    asked = coder.answer(PARIS, tools=(WEATHER,), max_tokens=150, **sampling)
    assert asked.reason == "tool_calls"
    assert [call["city"] for call in arguments_of(asked, "get_weather")] == ["Paris"]
    assert asked.told_tokens == asked.usage.completion_tokens


def test_a_model_with_tools_still_talks(coder: Client) -> None:
    asked = coder.answer(user("Why is the sky blue?"), tools=TOOLS, max_tokens=30)
    assert (asked.calls, bool(asked.text)) == ([], True)


def test_tools_that_must_be_called_are_and_several_at_once(coder: Client) -> None:
    question = "What is the weather in Paris, and what time is it in Europe/Rome?"
    asked = coder.answer(user(question), tools=TOOLS, tool_choice="required", max_tokens=200)
    assert (asked.reason, asked.text) == ("tool_calls", "")
    assert arguments_of(asked, "get_weather")[0]["city"] == "Paris"
    assert arguments_of(asked, "get_time") == [{"zone": "Europe/Rome"}]


def test_a_tool_that_is_named_is_called(coder: Client) -> None:
    asked = coder.answer(PARIS, tools=TOOLS, tool_choice=NamedTool("get_time"), max_tokens=60)
    assert [name for name, _ in asked.calls] == ["get_time"]


def test_no_tool_is_called_when_none_may_be(coder: Client) -> None:
    asked = coder.answer(PARIS, tools=TOOLS, tool_choice="none", max_tokens=30)
    assert (asked.calls, bool(asked.text)) == ([], True)


def test_a_model_reads_what_its_call_gave(coder: Client) -> None:
    called = Message("assistant", (ToolCallPart("call00000", "get_weather", '{"city": "Paris"}'),))
    result = Message("tool", (ToolResultPart("call00000", "17 degrees, hail"),))
    asked = coder.answer(PARIS, called, result, tools=TOOLS, tool_choice="none", max_tokens=60)
    assert "hail" in asked.text


@pytest.mark.parametrize("sampling", [{"temperature": 0.0}, {"temperature": 1.2, "seed": 3}], ids=str)
def test_the_smallest_model_makes_a_valid_call_when_it_must(engine: Client, sampling: dict[str, Any]) -> None:
    asked = engine.answer(PARIS, tools=TOOLS, tool_choice=NamedTool("get_weather"), max_tokens=120, **sampling)
    assert (asked.reason, asked.text) == ("tool_calls", "")
    assert len(arguments_of(asked, "get_weather")) == 1


def test_a_call_that_the_smallest_model_begins_is_finished_well(engine: Client) -> None:
    turns: list[Message] = []
    for index, city in enumerate(("Rome", "Oslo", "Lima")):
        # There is no such tool, and what it imitates would be a wrong call.
        call = ToolCallPart(f"call0000{index}", "get_clock", json.dumps({"place": city}))
        result = Message("tool", (ToolResultPart(call.call_id, "12:00"),))
        turns += [user(f"What time is it in {city}?"), Message("assistant", (call,)), result, assistant("It is 12:00.")]
    asked = engine.answer(*turns, user("What time is it in Paris?"), tools=(TIME,), max_tokens=80)
    assert asked.reason == "tool_calls"
    assert arguments_of(asked, "get_time") == [{"zone": "Paris"}]


def test_a_grammar_of_the_request_comes_first(coder: Client) -> None:
    asked = coder.answer(PARIS, tools=TOOLS, grammar=Grammar("regex", '\\{"name": "get_time", "arguments": \\{\\}\\}'))
    assert (asked.calls, asked.text) == ([], '{"name": "get_time", "arguments": {}}')


def test_stop_strings_are_looked_for_in_the_text_alone(coder: Client) -> None:
    asked = coder.answer(PARIS, tools=(WEATHER,), tool_choice="required", stop=("Paris", "city"), max_tokens=150)
    assert asked.reason == "tool_calls"
    assert arguments_of(asked, "get_weather")[0]["city"] == "Paris"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"tools": TOOLS, "tool_choice": NamedTool("get_moon")}, "get_moon"),
        ({"tool_choice": "required"}, "none is given"),
        ({"tools": (TIME, TIME)}, "two tools are called get_time"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        GenerateRequest((Message("user", (TextPart("x"),)),), **fields)


def test_a_tool_needs_a_name_that_models_can_write() -> None:
    with pytest.raises(InvalidRequest, match="is no name for a tool"):
        ToolSpec('get "weather"')
