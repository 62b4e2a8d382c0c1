from pathlib import Path

import pytest

from mistral_tui.cli.tools import ToolFlags, with_tools
from mistral_tui.types.errors import ConfigError, InvalidRequest
from mistral_tui.types.requests import GenerateRequest, Grammar, NamedTool, ToolChoice, ToolSpec

pytestmark = pytest.mark.core

LOOK = '{"name": "look", "description": "Look.", "parameters": {"type": "object"}}'


def flags(*files: Path, choice: str | None = None) -> ToolFlags:
    return ToolFlags(tools=[str(file) for file in files] or None, tool_choice=choice)


@pytest.mark.parametrize(
    "text",
    [
        f'[{{"type": "function", "function": {LOOK}}}]',
        f'{{"tools": [{{"type": "function", "function": {LOOK}}}]}}',
        f"[{LOOK}]",
        LOOK,
        '\ufeff[{"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}]',
    ],
)
def test_tools_are_read_as_people_write_them(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tools.json"
    file.write_text(text, encoding="utf-8")
    request = with_tools(GenerateRequest(), flags(file))
    assert request.tools == (ToolSpec("look", "Look.", {"type": "object"}),)


@pytest.mark.parametrize(
    ("word", "choice"),
    [("auto", "auto"), ("none", "none"), ("required", "required"), ("look", NamedTool("look")), (None, "auto")],
)
def test_the_choice_is_a_word_or_a_name(tmp_path: Path, word: str | None, choice: ToolChoice) -> None:
    file = tmp_path / "tools.json"
    file.write_text(LOOK, encoding="utf-8")
    assert with_tools(GenerateRequest(), flags(file, choice=word)).tool_choice == choice


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "line 1: not valid JSON"),
        ("3", "no list of tools"),
        ("[3]", "tool 1: a tool is an object"),
        ('[{"function": {}}]', "tool 1: a tool is an object"),
        (f'[{LOOK}, {{"name": "a b"}}]', "tool 2: .*is no name for a tool"),
        ('[{"name": "x", "parameters": []}, {"name": "x", "parameters": [1]}]', 'tool 2: "parameters"'),
        (f"[{LOOK}, {LOOK}]", "two tools are called look"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_without_tools_is_told_with_its_name(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "tools.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequest, match=problem):
        with_tools(GenerateRequest(), flags(file))


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    with pytest.raises(ConfigError, match="no such file"):
        with_tools(GenerateRequest(), flags(file))
    file.write_text(LOOK, encoding="utf-8")
    with pytest.raises(InvalidRequest, match="moon is to be called"):
        with_tools(GenerateRequest(), flags(file, choice="moon"))
    with pytest.raises(InvalidRequest, match="none is given"):
        with_tools(GenerateRequest(), flags(choice="required"))
    with pytest.raises(InvalidRequest, match="prescribed form"):
        with_tools(GenerateRequest(grammar=Grammar("regex", "x")), flags(file))
