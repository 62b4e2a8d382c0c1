"""oterm's database: the tables `chat` and `message` of all its versions, read and never written.

Its versions differ in columns: the first ones have neither ids of messages nor pictures, later ones have `images`
(a JSON array of base64), `thinking` and `provider`. Only what is there is read. It keeps no times: the chats get that
of the file, in their order.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.importing.documents import ImportFailed
from mistral_tui.types.messages import Message, Part, Role, TextPart, UnknownPart
from mistral_tui.types.sessions import Session, title_from

_USERS = ("user", "me")
_SECONDS_APART = 1.0


def read_database(path: Path) -> Iterator[Conversation]:
    """Read all chats.

    Raises:
        ImportFailed: It is damaged, or no database of oterm.
    """
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            yield from _chats(connection, path)
    except sqlite3.Error as error:
        raise ImportFailed(f"{path} cannot be read: {error}") from error


def _chats(connection: sqlite3.Connection, path: Path) -> Iterator[Conversation]:
    chat_columns, message_columns = _columns(connection, "chat"), _columns(connection, "message")
    if not {"id", "name", "model"} <= chat_columns or not {"chat_id", "author", "text"} <= message_columns:
        raise ImportFailed(f"{path} is a database, but none of oterm; name its store.db")
    system = "system" if "system" in chat_columns else "NULL"
    images = "images" if "images" in message_columns else "NULL"
    chats = connection.execute(f"SELECT id, name, model, {system} FROM chat ORDER BY id").fetchall()
    modified = path.stat().st_mtime
    for number, (chat_id, name, model, prompt) in enumerate(chats):
        rows = connection.execute(
            f"SELECT author, text, {images} FROM message WHERE chat_id = ? ORDER BY rowid", (chat_id,)
        ).fetchall()
        if rows:
            when = modified - (len(chats) - number) * _SECONDS_APART
            yield _conversation(str(chat_id), _text(name), _text(model), _text(prompt), rows, when)


def _conversation(
    chat_id: str, name: str, model: str, prompt: str, rows: list[tuple[object, object, object]], when: float
) -> Conversation:
    # Ids from the content: the same chat is known again, and one of another database with this number is another.
    digest = sha256(f"oterm:{chat_id}:{rows[0][1]}".encode("utf-8", "surrogatepass")).hexdigest()
    messages: list[Message] = []
    for number, (author, text, images) in enumerate(rows):
        role: Role = "user" if author in _USERS else "assistant"
        parts: list[Part] = [TextPart(_text(text))] if _text(text).strip() else []
        if isinstance(images, str) and len(images) > len('[""]'):
            parts.append(UnknownPart({"type": "missing_image", "name": "a picture of oterm"}))
        messages.append(
            Message(
                role,
                tuple(parts) or (TextPart(""),),
                id=sha256(f"{digest}:{number}".encode()).hexdigest()[:32],
                parent_id=messages[-1].id if messages else None,
                created_at=when,
                model=model if role == "assistant" else None,
                finish="stop" if role == "assistant" else None,
            )
        )
    return Conversation(
        Session(
            id=digest[:32],
            title=title_from(name) or title_from(messages[0].text),
            created_at=when,
            updated_at=when,
            model=model or None,
            system_prompt=prompt or None,
            leaf_id=messages[-1].id,
        ),
        messages,
    )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
