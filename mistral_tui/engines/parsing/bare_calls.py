"""Calls without a mark of their own: JSON on lines of its own, or in a fence. Every family writes them at times."""

from collections.abc import Sequence
from typing import Final

from mistral_tui.engines.parsing import json_calls, python_calls
from mistral_tui.engines.parsing.reader import Reader, Wait
from mistral_tui.types.requests import ToolSpec

FENCE: Final = "```"
BRACKETS: Final = ("{", "[")


def fenced(reader: Reader, tools: Sequence[ToolSpec]) -> Wait[bool]:
    """Read calls of `tools` in a fence that was just opened; returns whether there are any, and nothing else."""
    names = {tool.name for tool in tools}
    language, line_end = yield from reader.until("\n", limit=20)
    if not line_end:
        return False
    if language.strip() in ("tool_code", "python"):
        return (yield from python_calls.calls(reader, FENCE, tools, names))
    return (yield from json_calls.calls(reader, FENCE, only=names))


def bare(reader: Reader, bracket: str, tools: Sequence[ToolSpec]) -> Wait[bool]:
    """Read calls of `tools` that begin with `bracket`, which is pending; returns whether there are any."""
    names = {tool.name for tool in tools}
    bracket_at = len(reader.pending) - 1
    if bracket == "[":
        yield from reader.skip_space()
        is_python = yield from reader.next_is(*(f"{name}(" for name in names))
        reader.rewind(bracket_at)
        if is_python:
            return (yield from python_calls.calls(reader, ")]", tools, names, close_is_python=True))
    reader.rewind(bracket_at)
    return (yield from json_calls.calls(reader, only=names))
