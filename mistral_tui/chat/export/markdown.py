"""A session as Markdown: the active branch, to read or to paste."""

import re
import time
from collections.abc import Iterable, Iterator
from html import escape

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.tool_calls import call_line, result_text
from mistral_tui.types.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.text import printable, printable_line


def markdown_document(conversations: Iterable[Conversation]) -> Iterator[str]:
    """Return sessions one below the other, piece by piece."""
    for number, conversation in enumerate(conversations):
        if number:
            yield "\n---\n\n"
        session = conversation.session
        yield f"# {printable_line(session.title) or 'Untitled chat'}\n\n*{_when(session.created_at)}*\n"
        if session.tags:
            yield f"\n{' '.join(f'#{printable_line(tag)}' for tag in session.tags)}\n"
        if session.system_prompt:
            yield f"\n## System\n\n{printable(session.system_prompt).strip()}\n"
        for message in conversation.path():
            yield f"\n## {speaker(message)}\n\n{_body(conversation, message)}\n"


def speaker(message: Message) -> str:
    """Return who says a message, in words."""
    if message.role == "assistant":
        return printable_line(message.model or "") or "Assistant"
    return {"user": "You", "system": "System", "tool": "Tool"}[message.role]


def ending(message: Message) -> str:
    """Return how a reply ended, if not as usual."""
    if message.finish in (None, "stop", "tool_calls"):
        return ""
    return printable_line(
        message.error or {"length": "cut off", "context": "context full"}.get(message.finish, message.finish)
    )


def _when(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "at an unknown time"


def _body(conversation: Conversation, message: Message) -> str:
    blocks = [block for part in message.parts if (block := _block(conversation, message, part).strip("\n"))]
    if how := ending(message):
        blocks.append(f"*({how})*")
    return "\n\n".join(blocks) or "*(nothing)*"


def _block(conversation: Conversation, message: Message, part: Part) -> str:
    match part:
        case TextPart(text):
            return printable(text)
        case ReasoningPart(text, _):
            return "\n".join(f"> {line}".rstrip() for line in printable(text).strip().splitlines())
        case FilePart(name, text):
            return f"`{_name(name)}`\n\n{_fenced(printable(text))}"
        case ImagePart(path, _, name):
            return f"![{_name(name) or 'picture'}](<{_name(path)}>)"
        case AudioPart(path, _, name):
            return f"[{_name(name) or 'recording'}](<{_name(path)}>)"
        case ToolCallPart(_, _, arguments):
            return _folded(call_line(conversation, message, part), _fenced(printable(arguments), "json"))
        case ToolResultPart(_, _, failed):
            text = printable(result_text(conversation, message, part))
            return _folded("failed" if failed else "result", _fenced(text))
        case _:
            return f"*(a part that this version does not know: {_name(str(part.raw.get('type', '')))})*"


def _folded(line: str, block: str) -> str:
    return f"<details>\n<summary>{escape(line)}</summary>\n\n{block}\n\n</details>"


def _name(text: str) -> str:
    return re.sub(r"[`\[\]<>*]", "", printable_line(text))


def _fenced(text: str, language: str = "") -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
