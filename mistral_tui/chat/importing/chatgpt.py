"""ChatGPT's export: `conversations.json`, an array of conversations, each a tree of nodes (`mapping`)."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.importing.documents import decode, seconds
from mistral_tui.types.messages import Json, Message, Part, ReasoningPart, Role, TextPart, UnknownPart
from mistral_tui.types.sessions import Session, title_from


class _Author(msgspec.Struct):
    role: str = "user"
    name: str | None = None


class _Message(msgspec.Struct):
    author: _Author = msgspec.field(default_factory=_Author)
    content: Json = msgspec.field(default_factory=dict)
    create_time: Any = None
    metadata: Json | None = None


class _Node(msgspec.Struct):
    message: _Message | None = None
    parent: str | None = None


class _Conversation(msgspec.Struct):
    mapping: dict[str, _Node]
    title: str | None = None
    create_time: Any = None
    update_time: Any = None
    current_node: str | None = None
    conversation_id: str | None = None
    id: str | None = None
    is_archived: bool | None = None
    is_starred: bool | None = None


_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "tool": "tool"}


def read_conversation(raw: msgspec.Raw, path: Path, place: str) -> Conversation:
    """Read one conversation.

    Nodes that say nothing (the root, hidden instructions) are left out, their children go to what is above them;
    what stays is the tree with all its branches.

    Raises:
        ImportFailed: It is damaged.
    """
    found = decode(raw, _Conversation, path, place)
    source = found.conversation_id or found.id or sha256(bytes(raw)).hexdigest()
    started = seconds(found.create_time) or 0.0
    messages: dict[str, Message] = {}
    parents = {node_id: node.parent for node_id, node in found.mapping.items()}
    for node_id, node in found.mapping.items():
        if node.message is not None and (parts := _parts(node.message)):
            messages[node_id] = _message(node.message, parts, _id(source, node_id), started)
    # A tree that is written in any order is kept in the order of its time: siblings are numbered by it.
    ordered = sorted(messages, key=lambda node_id: messages[node_id].created_at)
    kept = [
        msgspec.structs.replace(messages[node_id], parent_id=_kept(source, parents, parents[node_id], messages))
        for node_id in ordered
    ]
    session = Session(
        id=_id(source, ""),
        title=title_from(found.title or "") or title_from(next((m.text for m in kept if m.role == "user"), "")),
        created_at=started,
        updated_at=seconds(found.update_time) or max((message.created_at for message in kept), default=started),
        model=next((message.model for message in reversed(kept) if message.model), None),
        leaf_id=_kept(source, parents, found.current_node, messages),
        pinned=bool(found.is_starred),
        archived=bool(found.is_archived),
    )
    return Conversation(session, kept)


def _kept(source: str, parents: dict[str, str | None], node_id: str | None, kept: dict[str, Message]) -> str | None:
    """Return the id of the message at a node, or of the nearest one above it that was kept."""
    seen: set[str] = set()
    while node_id is not None and node_id not in kept:
        if node_id in seen:
            return None
        seen.add(node_id)
        node_id = parents.get(node_id)
    return None if node_id is None else _id(source, node_id)


def _message(message: _Message, parts: tuple[Part, ...], message_id: str, started: float) -> Message:
    role = _ROLES.get(message.author.role, "system")
    slug = (message.metadata or {}).get("model_slug")
    return Message(
        role=role,
        parts=parts,
        id=message_id,
        created_at=seconds(message.create_time) or started,
        model=slug if role == "assistant" and isinstance(slug, str) else None,
        finish="stop" if role == "assistant" else None,
    )


def _parts(message: _Message) -> tuple[Part, ...]:
    if (message.metadata or {}).get("is_visually_hidden_from_conversation"):
        return ()
    content = message.content
    kind = content.get("content_type", "text")
    if kind in ("text", "multimodal_text"):
        pieces = content.get("parts")
        return tuple(part for piece in (pieces if isinstance(pieces, list) else []) if (part := _piece(piece)))
    if kind == "thoughts":
        thoughts = content.get("thoughts")
        texts = [_string(thought, "content") for thought in thoughts] if isinstance(thoughts, list) else []
        text = "\n\n".join(filter(None, texts))
        return (ReasoningPart(text),) if text else ()
    if kind == "code" and _string(content, "text"):
        return (TextPart(f"```{_language(content)}\n{_string(content, 'text')}\n```"),)
    for name in ("text", "result", "content"):
        if text := _string(content, name):
            return (TextPart(text),)
    return ()


def _piece(piece: Any) -> Part | None:
    if isinstance(piece, str):
        return TextPart(piece) if piece.strip() else None
    if text := _string(piece, "text"):
        return TextPart(text)
    if isinstance(piece, dict):
        # A picture or recording lies in a file of its own beside the document.
        return UnknownPart({"type": "missing_file", "of": json.dumps(piece)[:2000]})
    return None


def _string(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _language(content: Json) -> str:
    language = _string(content, "language")
    return language if language.isalnum() and language != "unknown" else ""


def _id(source: str, node_id: str) -> str:
    """Return an id that is the same whenever the same conversation is imported."""
    return sha256(f"chatgpt:{source}:{node_id}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
