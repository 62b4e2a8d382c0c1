"""The flags that give a model tools, and its calls as lines of JSON."""

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Message, ToolCallPart
from mistral_tui.types.requests import GenerateRequest, NamedTool, ToolChoice, ToolSpec


class ToolFlags(argparse.Namespace):
    """What the model may call."""

    tools: list[str] | None = None
    tool_choice: str | None = None


def add_tool_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `ToolFlags`."""
    group = parser.add_argument_group("tools")
    group.add_argument(
        "--tools",
        action="append",
        metavar="FILE",
        help="tools to tell the model of, as JSON in OpenAI's form; its calls are printed, a line of JSON each, and "
        "not carried out",
    )
    group.add_argument(
        "--tool-choice",
        metavar="auto|none|required|NAME",
        help="whether it may, must not or must call one, or which",
    )


def with_tools(request: GenerateRequest, flags: ToolFlags) -> GenerateRequest:
    """Return `request` with the tools that the flags give.

    Raises:
        InvalidRequest: The flags make no sense, or a file holds no tools.
        ConfigError: A file cannot be read.
    """
    tools = tuple(tool for file in flags.tools or () for tool in _read(Path(file).expanduser()))
    if tools and request.grammar is not None:
        raise InvalidRequest(
            "a reply of a prescribed form calls no tools; leave out --tools, or --schema and --grammar"
        )
    return msgspec.structs.replace(request, tools=tools, tool_choice=_choice(flags.tool_choice))


def call_lines(reply: Message, ascii_only: bool) -> str:
    """Return the calls of a reply as lines of JSON; arguments that are no JSON object are a string."""
    return "".join(f"{json.dumps(call, ensure_ascii=ascii_only)}\n" for call in calls_of(reply))


def calls_of(reply: Message) -> list[dict[str, Any]]:
    """Return the calls of a reply for JSON."""
    return [
        {"id": part.call_id, "name": part.name, "arguments": _arguments(part.arguments)}
        for part in reply.parts
        if isinstance(part, ToolCallPart)
    ]


def _arguments(text: str) -> Any:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return arguments if isinstance(arguments, dict) else text


def _choice(text: str | None) -> ToolChoice:
    match text:
        case None | "auto":
            return "auto"
        case "none" | "required":
            return text
        case _:
            return NamedTool(text)


def _read(path: Path) -> list[ToolSpec]:
    from mistral_tui.config.text_files import read_text  # --help does without

    try:
        document = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"{path}, line {error.lineno}: not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{path}: not valid JSON: a value is too long or nested too deeply") from None
    if isinstance(document, dict):
        document = document.get("tools", [document])
    if not isinstance(document, list):
        raise InvalidRequest(f'{path} holds no list of tools; write [{{"type": "function", "function": …}}, …]')
    return [_tool(path, number, item) for number, item in enumerate(document, start=1)]


def _tool(path: Path, number: int, item: Any) -> ToolSpec:
    where = f"{path}, tool {number}"
    function = item.get("function", item) if isinstance(item, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidRequest(f'{where}: a tool is an object with "function", and that has a "name"')
    parameters = function.get("parameters", function.get("inputSchema", {})) or {}
    description = function.get("description") or ""
    if not isinstance(parameters, dict) or not isinstance(description, str):
        raise InvalidRequest(f'{where}: "parameters" is the JSON schema of an object, and "description" is text')
    try:
        return ToolSpec(function["name"], description, parameters)
    except InvalidRequest as error:
        raise InvalidRequest(f"{where}: {error}") from None
