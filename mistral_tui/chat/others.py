"""Notices what other programs write into the same database, and lets the chats that live here learn of it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

import msgspec

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.types.errors import StoreError

_log = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two looks at the number by which SQLite tells that others have written; it reads nothing else."""


class Others:
    """Looks now and then while it runs."""

    def __init__(self, store: StoreThread, living: Mapping[str, LiveChat], on_change: Callable[[], None]) -> None:
        """Begin to look; needs a running event loop.

        Args:
            store: The database.
            living: The chats that live, by the id of their session.
            on_change: Called when others have written.
        """
        self._store = store
        self._living = living
        self._on_change = on_change
        self._task = asyncio.create_task(self._look())

    def stop(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _look(self) -> None:
        version = None
        # What was written between the opening of a chat and the first look is learned, too.
        behind = True
        while True:
            try:
                now = await self._store.run(self._store.store.data_version)
                if behind or now != version:
                    behind = not await self._catch_up()
                    if version is not None:
                        self._on_change()
                version = now
            except StoreError as error:
                # Who reads or saves a chat is told.
                _log.debug("cannot see whether others have written: %s", error)
            await asyncio.sleep(INTERVAL)

    async def _catch_up(self) -> bool:
        """Let all chats learn; return whether none has to be asked again because it was busy."""
        done = True
        for session_id, chat in tuple(self._living.items()):
            if chat.conversation.session.private or not len(chat.conversation):
                continue
            try:
                session = await self._store.run(self._store.store.known_session, session_id)
                messages = await self._store.run(self._store.store.messages, session_id)
                runs = await self._store.run(self._store.store.tool_runs, session_id)
            except StoreError:
                continue  # who reads or saves it is told
            if session is None:
                # Not stored yet, or removed for good.
                known = chat.conversation.session
                session = msgspec.structs.replace(known, deleted_at=known.deleted_at or time.time())
            done = chat.learn(session, messages, runs) and done
        return done
