"""How messages and tools become what chat templates read: dictionaries as Hugging Face defined them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mistral_tui.types.messages import (
    FilePart,
    Json,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.requests import ToolSpec
from mistral_tui.types.text import printable_line

Literal = Callable[[str], str]
"""Writes text of people, tools and models so that a tokenizer finds no control tokens in it."""


def as_turns(messages: Sequence[Message], literal: Literal) -> list[Json]:
    """Return the messages in the richest form that templates read.

    A turn has `role` and `content`; a reply also `tool_calls` and `reasoning_content`, where it has any. Every result
    of a tool is a turn of its own, with `tool_call_id` and `name`, wherever its part stood.

    Args:
        messages: One branch, oldest first.
        literal: Applied to all text that the messages hold.
    """
    names = {
        part.call_id: part.name for message in messages for part in message.parts if isinstance(part, ToolCallPart)
    }
    turns: list[Json] = []
    for message in messages:
        begin = len(turns)
        spoken: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResultPart):
                if spoken and message.role != "tool":
                    turns.append(_turn(message.role, spoken, literal))
                    spoken = []
                turns.append(_result(part, names.get(part.call_id, ""), literal))
            else:
                spoken.append(part)
        if message.role != "tool" and (spoken or len(turns) == begin):
            turns.append(_turn(message.role, spoken, literal))
        elif spoken and (rest := _content(spoken, literal)):
            # What a tool gave besides its results, such as an image, belongs to the last of them.
            last = turns.pop() if len(turns) > begin else {"role": "tool", "content": ""}
            turns.append({**last, "content": f"{last['content']}\n\n{rest}".strip("\n")})
    return turns


def _turn(role: str, parts: Sequence[Part], literal: Literal) -> Json:
    turn: Json = {"role": role, "content": _content(parts, literal)}
    if role != "assistant":
        return turn
    if reasoning := "\n\n".join(literal(part.text) for part in parts if isinstance(part, ReasoningPart)):
        turn["reasoning_content"] = reasoning
    if calls := [_call(part, literal) for part in parts if isinstance(part, ToolCallPart)]:
        turn["tool_calls"] = calls
    return turn


def _call(part: ToolCallPart, literal: Literal) -> Json:
    text = literal(part.arguments)
    try:
        arguments = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"arguments": text}
    return {"id": part.call_id, "type": "function", "function": {"name": literal(part.name), "arguments": arguments}}


def _result(part: ToolResultPart, name: str, literal: Literal) -> Json:
    text = literal(part.text)
    if part.failed and not text.lower().startswith("error"):
        text = f"error: {text}"
    return {"role": "tool", "tool_call_id": part.call_id, "name": literal(name), "content": text}


def _content(parts: Sequence[Part], literal: Literal) -> str:
    """Return what a model reads as content: text and files, with a blank line between them."""
    text = ""
    closed = False
    """Whether what comes next is set apart from what is there."""
    for part in parts:
        if isinstance(part, TextPart):
            block, apart = literal(part.text), False
        elif isinstance(part, FilePart):
            block, apart = literal(file_block(part)), True
        else:
            closed = closed or isinstance(part, ToolCallPart)
            continue
        text += f"\n\n{block}" if text and block and (apart or closed) else block
        closed = apart
    return text


def file_block(part: FilePart) -> str:
    """Return a file as a model reads it: a line with its name, then its text between fences."""
    fence = "```"
    while fence in part.text:
        fence += "`"
    return f"File {printable_line(part.name)}:\n{fence}\n{part.text.removesuffix(chr(10))}\n{fence}"


def as_functions(tools: Sequence[ToolSpec], literal: Literal) -> list[Json]:
    """Return the tools as templates read them."""
    return [
        {
            "type": "function",
            "function": {
                "name": literal(tool.name),
                "description": literal(tool.description),
                "parameters": {"type": "object", "properties": {}, **everywhere(tool.parameters, literal)},
            },
        }
        for tool in tools
    ]


def everywhere(value: Any, literal: Literal) -> Any:
    """Apply `literal` to all strings of a JSON value."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Mapping):
        return {literal(key): everywhere(item, literal) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [everywhere(item, literal) for item in value]
    return value
