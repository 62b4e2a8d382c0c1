"""All sessions: listed, found, named, tagged, put away, deleted and brought back."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.purging import purge
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.engines.chat_files import chat_files_folder, remove_chat_files
from mistral_tui.store.adding import Addition
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest, StoreError
from mistral_tui.types.messages import Message
from mistral_tui.types.search import SearchHit, SearchOrder
from mistral_tui.types.sessions import Session, title_from
from mistral_tui.types.tools import ToolRun

_log = logging.getLogger(__name__)

KEPT_DELETED = 24 * 3600.0
"""Seconds for which a deleted session can be brought back."""


class Library:
    """What is kept, and beside it the chats that live and are not stored, or not yet."""

    def __init__(
        self,
        store: StoreThread | None,
        living: Mapping[str, LiveChat],
        forget: Callable[[str], Awaitable[None]],
    ) -> None:
        """Begin without reading anything.

        Args:
            store: Where sessions are remembered; `None`: nowhere.
            living: The chats that live, by the id of their session.
            forget: Ends the chat of a session that is deleted.
        """
        self._store = store
        self._living = living
        self._forget = forget
        self._searching: StoreThread | None = None
        self._purged = False

    async def sessions(
        self, limit: int = 50, before: Session | None = None, archived: bool = False, tag: str | None = None
    ) -> list[Session]:
        """Return sessions, those that live among them: pinned ones, then the others, each the latest first.

        Args:
            limit: How many.
            before: The last one of the page before; `None`: the first page.
            archived: The archived ones instead of the others.
            tag: Those with this tag only.

        Raises:
            StoreError: They cannot be read.
        """
        living = {id: chat.conversation.session for id, chat in self._living.items() if chat.conversation}
        living = {id: session for id, session in living.items() if session.deleted_at is None}
        stored: list[Session] = []
        if self._store is not None:
            stored = await self._store.run(self._store.store.sessions, limit, before, archived, tag)
        page = {session.id: living.get(session.id, session) for session in stored}
        if before is None:
            oldest = _place(stored[-1]) if len(stored) == limit else None
            page |= {
                id: session
                for id, session in living.items()
                if session.archived == archived
                and (tag is None or tag in session.tags)
                and (oldest is None or _place(session) >= oldest)
            }
        self._purge_once()
        return sorted(page.values(), key=_place, reverse=True)[:limit]

    async def latest(self) -> Session | None:
        """Return the stored session that was last written to, if there is one.

        Raises:
            StoreError: It cannot be read.
        """
        return None if self._store is None else await self._store.run(self._store.store.latest_session)

    async def session(self, session_id: str) -> Session:
        """Return one session.

        Raises:
            StoreError: There is none of this id, or it cannot be read.
        """
        if chat := self._living.get(session_id):
            return chat.conversation.session
        if self._store is None:
            raise StoreError(f"there is no session {session_id}; it may have been deleted")
        return await self._store.run(self._store.store.session, session_id)

    async def titled(self, text: str) -> list[Session]:
        """Return the few sessions, the latest first, in whose title all words of `text` occur.

        Raises:
            StoreError: They cannot be read.
        """
        words = text.replace("\0", " ").split()
        if self._store is None or not words:
            return []
        reader = self._reader(self._store)
        return await reader.run(reader.store.sessions_titled, words)

    async def search(self, text: str, limit: int = 50, order: SearchOrder = "newest") -> list[SearchHit]:
        """Return the stored messages that `text` asks for.

        Searches have a connection and a thread of their own: a slow one holds up no chat that is being saved.

        Raises:
            InvalidRequest: A date in it is none.
            StoreError: They cannot be read.
        """
        if self._store is None:
            return []
        reader = self._reader(self._store)
        return await reader.run(reader.store.search, text, limit, order)

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session another title, of which one line is kept.

        Raises:
            InvalidRequest: The title is empty.
            StoreError: It cannot be stored.
        """
        title = title_from(title)
        if not title:
            raise InvalidRequest("the title is empty; type a few words")
        self._change(session_id, title=title)
        if self._store is not None:
            await self._store.run(self._store.store.rename, session_id, title)

    async def tag(self, session_id: str, tags: tuple[str, ...]) -> None:
        """Give a session these tags instead of those that it has.

        Raises:
            StoreError: They cannot be stored.
        """
        self._change(session_id, tags=tags)
        if self._store is not None:
            await self._store.run(self._store.store.tag, session_id, tags)

    async def pin(self, session_id: str, pinned: bool) -> None:
        """List a session before the others, or no longer.

        Raises:
            StoreError: It cannot be stored.
        """
        self._change(session_id, pinned=pinned)
        if self._store is not None:
            await self._store.run(self._store.store.pin, session_id, pinned)

    async def archive(self, session_id: str, archived: bool) -> None:
        """Take a session out of the list, or put it back.

        Raises:
            StoreError: It cannot be stored.
        """
        self._change(session_id, archived=archived)
        if self._store is not None:
            await self._store.run(self._store.store.archive, session_id, archived)

    async def delete(self, session_id: str) -> None:
        """Delete a session; a reply that is being written is stopped. It can be brought back for a day.

        Raises:
            StoreError: It cannot be deleted in the database.
        """
        await self._forget(session_id)
        await asyncio.to_thread(remove_chat_files, chat_files_folder(), session_id)
        if self._store is not None:
            await self._store.run(self._store.store.delete, session_id)

    async def undelete(self, session_id: str) -> None:
        """Bring a deleted session back.

        Raises:
            StoreError: It cannot be brought back.
        """
        self._change(session_id, deleted_at=None)
        if self._store is not None:
            await self._store.run(self._store.store.undelete, session_id)

    async def deleted(self) -> list[Session]:
        """Return the sessions that can be brought back, the last deleted first.

        Raises:
            StoreError: They cannot be read.
        """
        return [] if self._store is None else await self._store.run(self._store.store.deleted_sessions)

    async def add(self, session: Session, messages: tuple[Message, ...], runs: tuple[ToolRun, ...] = ()) -> Addition:
        """Add a session that comes from elsewhere; what is there is never changed.

        Raises:
            StoreError: Nothing is stored by this program, or it cannot be.
        """
        if self._store is None:
            raise StoreError("there is no database to add a session to; leave out --no-save")
        return await self._store.run(self._store.store.add, session, messages, runs)

    async def close(self) -> None:
        """End the thread of the searches."""
        if self._searching is not None:
            await self._searching.close()

    def _reader(self, store: StoreThread) -> StoreThread:
        if self._searching is None:
            self._searching = StoreThread(Store(store.store.path))
        return self._searching

    def _change(self, session_id: str, **changes: str | bool | tuple[str, ...] | None) -> None:
        if chat := self._living.get(session_id):
            chat.conversation.session = msgspec.structs.replace(chat.conversation.session, **changes)

    def _purge_once(self) -> None:
        """Remove what was deleted long ago; it waits for its turn in the store's thread, and nobody waits for it."""
        if self._purged or self._store is None:
            return
        self._purged = True
        self._store.submit(_purge_quietly, self._store.store)


def _place(session: Session) -> tuple[bool, float, str]:
    return session.pinned, session.updated_at, session.id


def _purge_quietly(store: Store) -> None:
    try:
        purge(store, time.time() - KEPT_DELETED)
    except StoreError as error:
        # Such as a database that is read-only: the next run tries again.
        _log.info("deleted sessions could not be removed: %s", error)
