"""Sessions as JSON: one document, or one message a line. Both hold everything, and can be imported again."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.types.messages import Message, encode_parts
from mistral_tui.types.sessions import Session

SCHEMA_VERSION = 1


def session_fields(session: Session) -> dict[str, Any]:
    """Return a session as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(session)
    del plain["private"]  # what is stored never is
    return plain


def message_fields(message: Message) -> dict[str, Any]:
    """Return a message as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(message, parts=()))
    # Parts of a newer version are written as they were stored.
    return {**plain, "parts": json.loads(encode_parts(message.parts))}


def conversation_fields(conversation: Conversation) -> dict[str, Any]:
    """Return a session with the messages of all its branches as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        **session_fields(conversation.session),
        "branch": [message.id for message in conversation.path()],
        "messages": [message_fields(message) for message in conversation.messages],
        "tool_calls": [msgspec.to_builtins(run) for run in conversation.runs],
    }


def json_document(conversations: Iterable[Conversation]) -> Iterator[str]:
    """Return one session as an object, several as an array of such objects, piece by piece."""
    rest = iter(conversations)
    first = next(rest, None)
    second = next(rest, None)
    if first is None or second is None:
        yield _indented([] if first is None else conversation_fields(first)) + "\n"
        return
    yield f"[\n{_indented(conversation_fields(first))},\n{_indented(conversation_fields(second))}"
    for conversation in rest:
        yield f",\n{_indented(conversation_fields(conversation))}"
    yield "\n]\n"


def json_lines(conversations: Iterable[Conversation]) -> Iterator[str]:
    """Return one message a line; the first of each session has `session`, all have `session_id`."""
    for conversation in conversations:
        session = conversation.session
        for number, message in enumerate(conversation.messages):
            line = {"schema_version": SCHEMA_VERSION, "session_id": session.id, **message_fields(message)}
            if number == 0:
                line["session"] = session_fields(session)
            if runs := conversation.runs_of(message.id):
                line["tool_calls"] = [msgspec.to_builtins(run) for run in runs]
            # Escaped: some programs break lines at U+2028 too.
            yield json.dumps(line) + "\n"


def _indented(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
