"""Claude's export: `conversations.json`, an array of conversations with their `chat_messages`."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.importing.documents import decode, seconds
from mistral_tui.types.messages import (
    FilePart,
    Json,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from mistral_tui.types.sessions import Session, title_from
from mistral_tui.types.text import printable_line

_NO_PARENT = "00000000-0000-4000-8000-000000000000"
"""What the first message of a conversation names as its parent."""


class _Message(msgspec.Struct):
    uuid: str = ""
    sender: str = "human"
    text: str | None = None
    content: list[Json] | None = None
    created_at: Any = None
    attachments: list[Json] | None = None
    files: list[Json] | None = None
    parent_message_uuid: str | None = None


class _Conversation(msgspec.Struct):
    chat_messages: list[_Message]
    uuid: str = ""
    name: str | None = None
    model: str | None = None
    created_at: Any = None
    updated_at: Any = None
    current_leaf_message_uuid: str | None = None
    is_starred: bool | None = None


def read_conversation(raw: msgspec.Raw, path: Path, place: str) -> Conversation:
    """Read one conversation; where messages name no parents, each follows the one before.

    Raises:
        ImportFailed: It is damaged.
    """
    found = decode(raw, _Conversation, path, place)
    source = found.uuid or sha256(bytes(raw)).hexdigest()
    started = seconds(found.created_at) or 0.0
    messages: list[Message] = []
    ids: dict[str, str] = {}
    for number, message in enumerate(found.chat_messages):
        parts = _parts(message)
        above = messages[-1].id if messages else None
        if message.parent_message_uuid is not None and message.parent_message_uuid != _NO_PARENT:
            above = ids.get(message.parent_message_uuid, above)
        elif message.parent_message_uuid == _NO_PARENT:
            above = None
        if not parts:
            # Its children go to what is above it.
            ids[message.uuid] = above or ""
            continue
        role: Role = "assistant" if message.sender == "assistant" else "user"
        kept = Message(
            role,
            parts,
            id=_id(source, message.uuid or str(number)),
            parent_id=above or None,
            created_at=seconds(message.created_at) or started,
            model=found.model if role == "assistant" else None,
            finish="stop" if role == "assistant" else None,
        )
        if message.uuid and message.uuid in ids:
            kept = msgspec.structs.replace(kept, id=_id(source, f"{message.uuid}:{number}"))
        ids[message.uuid] = kept.id
        messages.append(kept)
    session = Session(
        id=_id(source, ""),
        title=title_from(found.name or "") or title_from(next((m.text for m in messages if m.role == "user"), "")),
        created_at=started,
        updated_at=seconds(found.updated_at) or max((message.created_at for message in messages), default=started),
        model=found.model,
        leaf_id=ids.get(found.current_leaf_message_uuid or "") or (messages[-1].id if messages else None),
        pinned=bool(found.is_starred),
    )
    return Conversation(session, messages)


def _parts(message: _Message) -> tuple[Part, ...]:
    texts = [
        FilePart(printable_line(_string(attachment, "file_name")) or "attachment", text)
        for attachment in message.attachments or []
        if (text := _string(attachment, "extracted_content"))
    ]
    files = [
        UnknownPart({"type": "missing_file", "name": printable_line(_string(file, "file_name"))})
        for file in message.files or []
    ]
    blocks = [part for block in message.content or [] if (part := _block(block)) is not None]
    if not any(isinstance(part, TextPart) for part in blocks) and (message.text or "").strip():
        blocks.append(TextPart(message.text or ""))
    return (*texts, *files, *blocks)


def _block(block: Json) -> Part | None:
    kind = _string(block, "type")
    if kind == "text":
        text = _string(block, "text")
        return TextPart(text) if text.strip() else None
    if kind == "thinking":
        thought = _string(block, "thinking")
        return ReasoningPart(thought) if thought.strip() else None
    if kind == "tool_use":
        arguments = msgspec.json.encode(block.get("input") or {}).decode()
        return ToolCallPart(_string(block, "id"), _string(block, "name"), arguments)
    if kind == "tool_result":
        return ToolResultPart(_string(block, "tool_use_id"), _result(block.get("content")), bool(block.get("is_error")))
    return UnknownPart(block) if kind else None


def _result(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_string(piece, "text") for piece in content) if isinstance(content, list) else ""


def _string(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _id(source: str, message_id: str) -> str:
    """Return an id that is the same whenever the same conversation is imported."""
    return sha256(f"claude:{source}:{message_id}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
