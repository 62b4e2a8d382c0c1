"""Sessions and their messages, as they are remembered.

All calls are synchronous and may come from any thread, one at a time; asynchronous code runs them in a thread.
"""

import contextlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.store import listing, rows
from mistral_tui.store.adding import Addition, add_session
from mistral_tui.store.database import BUSY_LIMIT, Database
from mistral_tui.store.prompts import past_prompts
from mistral_tui.store.purging import Purged, purge_deleted
from mistral_tui.store.search import search_messages
from mistral_tui.store.tool_calls import runs_of, write_run
from mistral_tui.store.writers import is_alive, this_process
from mistral_tui.types.errors import StoreError
from mistral_tui.types.messages import Message
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.search import SearchHit, SearchOrder
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import encodable
from mistral_tui.types.tools import ToolRun


class Store:
    """The database of one person.

    It is opened with the first call that needs it, and every later call tries again when that failed: a database
    that is locked for a while needs no restart. Every method that reads or writes raises `StoreError` when it cannot.
    """

    def __init__(self, path: Path, busy_limit: float = BUSY_LIMIT) -> None:
        self._database = Database(path, busy_limit=busy_limit)

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open the database at `path`, creating or updating it as needed.

        Raises:
            StoreError: It cannot be opened.
        """
        store = cls(path)
        store._database.open()
        return store

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def read_only(self) -> bool:
        """Whether nothing can be saved; known after the first call."""
        return self._database.read_only

    @property
    def notices(self) -> tuple[str, ...]:
        """What the person should know of the file: that it is read-only, or was damaged and set aside."""
        return self._database.notices

    @property
    def generation(self) -> int:
        """Grows when the file was replaced by a fresh one: what was saved before is not in it."""
        return self._database.generation

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def sessions(
        self, limit: int = 50, before: Session | None = None, archived: bool = False, tag: str | None = None
    ) -> list[Session]:
        """Return sessions: those that are pinned, then the others, each the latest first.

        Args:
            limit: How many.
            before: The last one of the page before; `None`: the first page.
            archived: The archived ones instead of the others.
            tag: Those with this tag only.
        """
        with self._database.reading() as connection:
            return listing.list_sessions(connection, limit, before, archived, tag and encodable(tag))

    def latest_session(self) -> Session | None:
        """Return the session that was last written to, if there is one."""
        with self._database.reading() as connection:
            return listing.latest_session(connection)

    def sessions_titled(self, words: list[str], limit: int = 5) -> list[Session]:
        """Return sessions in whose title all words occur, archived ones too, the latest first."""
        with self._database.reading() as connection:
            return listing.sessions_titled(connection, [encodable(word) for word in words], limit)

    def deleted_sessions(self) -> list[Session]:
        """Return the sessions that were deleted and can be brought back, the last deleted first."""
        with self._database.reading() as connection:
            return listing.deleted_sessions(connection)

    def sessions_beginning(self, prefix: str, deleted: bool = False) -> list[Session]:
        """Return the sessions whose id begins so; `deleted`: those that were deleted instead of the others."""
        with self._database.reading() as connection:
            return listing.sessions_beginning(connection, encodable(prefix), deleted)

    def models_last_used(self) -> dict[str, float]:
        """Return the names of the models that answered sessions, with the time of the latest of these."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT model_id, max(updated_at) FROM sessions WHERE model_id IS NOT NULL GROUP BY model_id"
            ).fetchall()
        return {str(name): float(when) for name, when in found}

    def session(self, session_id: str) -> Session:
        """Return one session.

        Raises:
            StoreError: There is none of this id, or it cannot be read.
        """
        session = self.known_session(session_id)
        if session is None or session.deleted_at is not None:
            raise StoreError(f"{self.path} has no session {session_id}; it may have been deleted")
        return session

    def known_session(self, session_id: str) -> Session | None:
        """Return one session, also one that was deleted and can be brought back; `None`: there is none of this id."""
        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT {rows.SESSION_COLUMNS} FROM sessions WHERE id = ?", (session_id,)
            ).fetchone()
        return None if row is None else rows.session_from(row)

    def messages(self, session_id: str) -> list[Message]:
        """Return the messages of a session, of all its branches, in the order in which they were first written.

        A reply whose program died while it was written ends as `failed`, and is stored so.
        """
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT {rows.MESSAGE_COLUMNS}, writer FROM messages WHERE session_id = ? ORDER BY seq", (session_id,)
            ).fetchall()
        messages = []
        interrupted = []
        for *row, writer in found:
            message = rows.message_from(row)
            if message.role == "assistant" and message.finish is None and not is_alive(writer):
                message = msgspec.structs.replace(message, finish="failed", error=rows.INTERRUPTED)
                interrupted.append(message)
            messages.append(message)
        if interrupted:
            # What cannot be written is repaired by the next reader.
            with contextlib.suppress(StoreError), self._database.writing() as connection:
                for message in interrupted:
                    rows.write_message(connection, session_id, message, writer=None)
        return messages

    def tool_runs(self, session_id: str) -> list[ToolRun]:
        """Return the calls of tools in a session, of all its branches, in their order.

        One whose program died before it ended has been cancelled.
        """
        with self._database.reading() as connection:
            return runs_of(connection, session_id)

    def save(
        self,
        session: Session,
        messages: Iterable[Message] = (),
        removed: Iterable[str] = (),
        runs: Iterable[ToolRun] = (),
    ) -> bool:
        """Write a session and some of its messages and calls, all or nothing; those that exist are replaced.

        The title is written only with a new session (`rename` changes it later, perhaps from another program). A
        session that loses its last message is removed.

        Args:
            session: What is known of the session now.
            messages: New or changed messages.
            removed: Ids of messages that are no longer part of it.
            runs: New or changed calls of tools, of messages that are stored.

        Returns:
            Whether the session is new: of one that was there, another program has removed all that was stored.
        """
        if session.private:
            raise ValueError("a private session is never stored")
        with self._database.writing() as connection:
            for message_id in removed:
                connection.execute("DELETE FROM messages WHERE id = ? AND session_id = ?", (message_id, session.id))
            new = not connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session.id,)).fetchone()
            rows.write_session(connection, session)
            for message in messages:
                unfinished = message.role == "assistant" and message.finish is None
                rows.write_message(connection, session.id, message, this_process() if unfinished else None)
            for run in runs:
                write_run(connection, session.id, run)
            connection.execute(
                "DELETE FROM sessions WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM messages WHERE session_id = ?1)",
                (session.id,),
            )
        return new

    def rename(self, session_id: str, title: str) -> None:
        """Give a session another title."""
        self._set(session_id, "title", title)

    def tag(self, session_id: str, tags: tuple[str, ...]) -> None:
        """Give a session these tags instead of those that it has."""
        self._set(session_id, "tags", rows.encode_tags(tags))

    def pin(self, session_id: str, pinned: bool) -> None:
        """List a session before the others, or no longer."""
        self._set(session_id, "pinned", pinned)

    def archive(self, session_id: str, archived: bool) -> None:
        """Take a session out of the list, or put it back."""
        self._set(session_id, "archived", archived)

    def delete(self, session_id: str, when: float | None = None) -> None:
        """Delete a session, now or as of `when`; it can be brought back until `purge` removes it."""
        self._set(session_id, "deleted_at", time.time() if when is None else when)

    def undelete(self, session_id: str) -> None:
        """Bring a deleted session back."""
        self._set(session_id, "deleted_at", None)

    def purge(self, before: float) -> Purged:
        """Remove what was deleted before this time (seconds since the epoch), with all that belongs to it."""
        with self._database.writing() as connection:
            return purge_deleted(connection, before)

    def add(self, session: Session, messages: Sequence[Message], runs: Sequence[ToolRun] = ()) -> Addition:
        """Add a session that comes from elsewhere, all or nothing; what is there is never changed.

        A session of which every message is there already is not added again; one whose ids are taken otherwise gets
        new ids.
        """
        with self._database.writing() as connection:
            return add_session(connection, session, messages, runs)

    def search(self, text: str, limit: int = 50, order: SearchOrder = "newest") -> list[SearchHit]:
        """Return the messages that `text` asks for: all its words, and filters such as `tag:work`.

        Raises:
            InvalidRequest: A date in it is none.
        """
        with self._database.reading() as connection:
            return search_messages(connection, encodable(text), limit, order)

    def data_version(self) -> int:
        """Return a number that changes when another program, or another store, has written."""
        with self._database.reading() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def prompts(self, limit: int = 1000) -> list[str]:
        """Return what the person has asked in the last `limit` prompts of all sessions, newest first, each once."""
        with self._database.reading() as connection:
            return past_prompts(connection, limit)

    def ui_state(self, key: str) -> Any:
        """Return what was remembered under `key`, as JSON values; `None`: nothing."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM ui_state WHERE key = ?", (key,)).fetchone()
        try:
            return None if row is None else msgspec.json.decode(row[0])
        except msgspec.DecodeError:
            return None

    def set_ui_state(self, key: str, value: Any) -> None:
        """Remember a JSON value under `key`; `None`: nothing."""
        with self._database.writing() as connection:
            if value is None:
                connection.execute("DELETE FROM ui_state WHERE key = ?", (key,))
                return
            connection.execute(
                "INSERT INTO ui_state (key, value) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, msgspec.json.encode(value).decode()),
            )

    def chat_template(self, model: Path) -> str | None:
        """Return the chat template that was chosen for the model at this path, if one was."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT chat_template FROM models WHERE path = ?", (_key(model),)).fetchone()
        return None if row is None else row[0]

    def remember_chat_template(self, entry: ModelEntry, chat_template: str) -> None:
        """Remember the chat template that was chosen for a model."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO models (path, id, format, size_bytes, last_used, chat_template) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (path) DO UPDATE SET id = excluded.id, size_bytes = excluded.size_bytes, "
                "last_used = excluded.last_used, chat_template = excluded.chat_template",
                (_key(entry.path), entry.name, entry.format, entry.size_bytes, time.time(), chat_template),
            )

    def _set(self, session_id: str, column: str, value: object) -> None:
        with self._database.writing() as connection:
            connection.execute(f"UPDATE sessions SET {column} = ? WHERE id = ?", (value, session_id))


def _key(path: Path) -> str:
    return encodable(str(path))
