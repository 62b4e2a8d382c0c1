"""Messages and tools as OpenAI's API has them; pictures and recordings travel as base64."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mistral_tui.models.template_messages import file_block
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.media import LARGEST_FILE
from mistral_tui.types.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Json,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.requests import NamedTool, ToolChoice, ToolSpec

_SOUNDS: Final = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac", "audio/ogg": "ogg"}


def as_messages(messages: Sequence[Message]) -> list[Json]:
    """Return a branch as the API has it. Reads the files of pictures and recordings, so it can take long.

    What a model thought is left out: servers refuse it, or leave it out themselves.

    Raises:
        InvalidRequest: A file is gone, cannot be read, or is too large.
    """
    return [turn for message in messages for turn in _turns(message)]


def as_tools(tools: Sequence[ToolSpec]) -> list[Json]:
    """Return tools as the API has them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": {"type": "object", "properties": {}, **tool.parameters},
            },
        }
        for tool in tools
    ]


def as_choice(choice: ToolChoice) -> Json | str:
    """Return which tool is to be called as the API has it."""
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def _turns(message: Message) -> list[Json]:
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    turns: list[Json] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": _result_text(part)} for part in results
    ]
    content = _content(message.parts)
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCallPart)]
    if message.role == "tool":
        # What a tool gave besides its results, such as a picture, can only be said by the person.
        return turns + ([{"role": "user", "content": content}] if content else [])
    turn: Json = {"role": message.role, "content": content}
    if calls:
        turn = {"role": message.role, "content": content or None, "tool_calls": calls}
    return [*turns, turn] if content or calls or not turns else turns


def _call(part: ToolCallPart) -> Json:
    return {
        "id": part.call_id,
        "type": "function",
        "function": {"name": part.name, "arguments": part.arguments or "{}"},
    }


def _result_text(part: ToolResultPart) -> str:
    return f"error: {part.text}" if part.failed and not part.text.lower().startswith("error") else part.text


def _content(parts: Sequence[Part]) -> str | list[Json]:
    """Return the content of a turn: a text, which all servers take, unless there is more than text."""
    pieces: list[Json] = []
    for part in parts:
        match part:
            case TextPart(text=text):
                pieces.append({"type": "text", "text": text})
            case FilePart():
                pieces.append({"type": "text", "text": file_block(part)})
            case ImagePart(path=path, media_type=kind):
                url = f"data:{kind};base64,{_encoded(path)}"
                pieces.append({"type": "image_url", "image_url": {"url": url}})
            case AudioPart(path=path, media_type=kind):
                sound = {"data": _encoded(path), "format": _SOUNDS.get(kind, "wav")}
                pieces.append({"type": "input_audio", "input_audio": sound})
    if all(piece["type"] == "text" for piece in pieces):
        return "\n\n".join(piece["text"] for piece in pieces if piece["text"])
    return pieces


def _encoded(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"{path} cannot be read: {reason}; attach it again") from None
    if len(data) > LARGEST_FILE:
        raise InvalidRequest(f"{path} is larger than {LARGEST_FILE >> 20} MB; make it smaller")
    return base64.b64encode(data).decode()
