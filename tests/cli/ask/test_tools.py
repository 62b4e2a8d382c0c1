"""Calls of tools and thoughts, each on the stream where it belongs."""

import json
from pathlib import Path

import pytest

from mistral_tui.cli.ask import parse
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import ReasoningDelta, ToolCallDelta
from mistral_tui.types.requests import NamedTool, ToolSpec
from tests.cli.ask.asking import ask, stored
from tests.stubs.engines import FakeEngine, FakePool, Reply

pytestmark = pytest.mark.core


CALLING = Reply(
    (
        *(ReasoningDelta("I need "), ReasoningDelta("the \x1b[2Jweather."), "Let me see."),
        *(ToolCallDelta(0, "a1", "look", '{"city":'), ToolCallDelta(0, arguments=' "Oslo"}')),
        ToolCallDelta(1, "a2", "look", '{"city": "Ro'),
    ),
    reason="tool_calls",
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    function = {"name": "look", "description": "Look", "parameters": {"type": "object"}}
    path.write_text(json.dumps([{"type": "function", "function": function}]), encoding="utf-8")
    return path


async def test_tools_go_along_and_calls_are_lines_of_json(
    model: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = FakePool(FakeEngine([CALLING]))
    assert await ask(pool, "-m", str(model), "--tools", str(tools), "--tool-choice", "look", "Hi") == 0
    (request,) = pool.engine.requests
    assert request.tools == (ToolSpec("look", "Look", {"type": "object"}),)
    assert request.tool_choice == NamedTool("look")
    captured = capsys.readouterr()
    text, *calls = captured.out.splitlines()
    assert text == "Let me see."
    assert [json.loads(call) for call in calls] == [
        {"id": "a1", "name": "look", "arguments": {"city": "Oslo"}},
        {"id": "a2", "name": "look", "arguments": '{"city": "Ro'},
    ]
    assert "weather" not in captured.err
    assert [type(part).__name__ for part in stored()[-1].parts] == [
        *("ReasoningPart", "TextPart", "ToolCallPart", "ToolCallPart")
    ]


async def test_thoughts_are_shown_on_stderr_when_asked_for(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(FakePool(FakeEngine([CALLING])), "-m", str(model), "--show-thinking", "Hi")
    captured = capsys.readouterr()
    assert captured.err == "I need the weather.\n\n"
    assert captured.out.startswith("Let me see.\n{")


async def test_json_has_thoughts_and_calls(model: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(FakePool(FakeEngine([CALLING])), "-m", str(model), "--tools", str(tools), "--json", "Hi")
    document = json.loads(capsys.readouterr().out)
    assert document["text"] == "Let me see."
    assert document["reasoning"] == "I need the \x1b[2Jweather."
    assert document["finish"] == "tool_calls"
    assert document["tool_calls"][0] == {"id": "a1", "name": "look", "arguments": {"city": "Oslo"}}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--show-thinking", "--json"), "--json has the thoughts anyway"),
        (("--show-thinking", "--choices", "2"), "--choices come with --json"),
    ],
)
def test_thoughts_are_shown_of_one_reply_as_it_is_written(arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        parse((*arguments, "Hi"), ModelFlags())
