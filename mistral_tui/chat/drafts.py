"""What is typed and not sent, kept for each chat, so that it is there again whatever happened."""

import asyncio
import logging

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.store.purging import draft_key
from mistral_tui.types.errors import StoreError

_log = logging.getLogger(__name__)

WRITE_INTERVAL = 0.5
"""Seconds for which drafts are gathered until they are written."""
LONGEST = 1_000_000
"""Characters; a longer draft is remembered while the program runs only."""
_NEW = draft_key("")
"""The key of a chat in which nothing was said yet: the next new chat, perhaps of the next run, has its draft."""


class Drafts:
    """The drafts of all chats; those of private ones are never stored."""

    def __init__(self, store: StoreThread | None) -> None:
        self._store = store
        self._known: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        """Under which key the draft of a session that is in view was kept last."""
        self._pending: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    async def open(self, conversation: Conversation) -> str:
        """Return the draft of a chat that comes into view; that of a new chat goes to one at a time."""
        session = conversation.session
        key = _key(conversation)
        if key == _NEW and _NEW in (kept for id, kept in self._keys.items() if id != session.id):
            return ""
        self._keys[session.id] = key
        if key not in self._known:
            self._known[key] = "" if session.private else await self._read(key)
        return self._known[key]

    def close(self, conversation: Conversation) -> None:
        """The chat is no longer in view."""
        self._keys.pop(conversation.session.id, None)

    def keep(self, conversation: Conversation, text: str) -> None:
        """Remember the draft of a chat that is in view; it is written soon."""
        session = conversation.session
        key = _key(conversation)
        before = self._keys.get(session.id)
        if before is not None and before != key:
            self._set(before, "", session.private)
        self._keys[session.id] = key
        self._set(key, text, session.private)

    async def flush(self) -> None:
        """Write what is pending; what cannot be written is given up."""
        pending, self._pending = self._pending, {}
        if self._store is None:
            return
        for key, text in pending.items():
            try:
                await self._store.run(self._store.store.set_ui_state, key, text or None)
            except StoreError as error:
                _log.info("a draft could not be kept: %s", error)

    def _set(self, key: str, text: str, private: bool) -> None:
        if self._known.get(key, "") == text:
            return
        self._known[key] = text
        if private or self._store is None or len(text) > LONGEST:
            return
        self._pending[key] = text
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(WRITE_INTERVAL)
            await self.flush()

    async def _read(self, key: str) -> str:
        if self._store is None:
            return ""
        try:
            text = await self._store.run(self._store.store.ui_state, key)
        except StoreError:
            # Who opens the chat is told of a database that cannot be read.
            return ""
        return text if isinstance(text, str) else ""


def _key(conversation: Conversation) -> str:
    session = conversation.session
    return draft_key(session.id) if len(conversation) or session.private else _NEW
