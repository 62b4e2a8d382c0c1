"""What is typed and not sent, and the files that are to go along, kept for each chat: there again whatever happened."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.documents.fitting import Fit
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.store.purging import draft_key
from mistral_tui.types.errors import StoreError
from mistral_tui.types.messages import Attachment, FilePart

_log = logging.getLogger(__name__)

WRITE_INTERVAL = 0.2
"""Seconds for which drafts are gathered until they are written: a kill costs at most the last word or two."""
RETRY_INTERVAL = 2.0
"""Seconds until drafts that could not be written are written again."""
LONGEST = 1_000_000
"""Characters; a longer draft, or a long one's files, are remembered while the program runs only."""
UNREAD = "being read"
"""The problem of a file of an earlier run until somebody has read it again."""
_NEW = draft_key("")
"""The key of a chat in which nothing was said yet: the next new chat, perhaps of the next run, has its draft."""


class Draft(msgspec.Struct, frozen=True):
    """A prompt that was not sent."""

    text: str = ""
    files: tuple[PromptFile, ...] = ()


class _StoredFile(msgspec.Struct, frozen=True, omit_defaults=True):
    path: str = ""
    """The person's file, which is read again."""
    part: Attachment | None = None
    """What was in a prompt before, and the copy that is kept of a picture or a recording."""
    fit: Fit | None = None
    """What is given of a document that is too long."""


class _Stored(msgspec.Struct, frozen=True):
    text: str
    files: tuple[_StoredFile, ...]


class Drafts:
    """The drafts of all chats; those of private ones are never stored."""

    def __init__(self, store: StoreThread | None) -> None:
        self._store = store
        self._known: dict[str, Draft] = {}
        self._keys: dict[str, str] = {}
        """Under which key the draft of a session that is in view was kept last."""
        self._pending: dict[str, Draft] = {}
        self._written: dict[str, Draft] = {}
        """What is in the database by this program."""
        self._generation = 0 if store is None else store.store.generation
        self._task: asyncio.Task[None] | None = None

    async def open(self, conversation: Conversation) -> Draft:
        """Return the draft of a chat that comes into view; that of a new chat goes to one at a time."""
        session = conversation.session
        key = _key(conversation)
        if key == _NEW and _NEW in (kept for id, kept in self._keys.items() if id != session.id):
            return Draft()
        self._keys[session.id] = key
        if key not in self._known:
            self._known[key] = Draft() if session.private else await self._read(key)
        return self._known[key]

    def close(self, conversation: Conversation) -> None:
        """The chat is no longer in view."""
        self._keys.pop(conversation.session.id, None)

    def keep(self, conversation: Conversation, draft: Draft) -> None:
        """Remember the draft of a chat that is in view; it is written soon."""
        session = conversation.session
        key = _key(conversation)
        before = self._keys.get(session.id)
        if before is not None and before != key:
            self._set(before, Draft(), session.private)
        self._keys[session.id] = key
        self._set(key, draft, session.private)

    async def flush(self) -> bool:
        """Write what is pending, and return whether that was possible; if not, it is pending still."""
        if self._store is None:
            self._pending = {}
            return True
        if self._store.store.generation != self._generation:
            # The file was replaced: what was written to the old one is missing in the new one.
            self._generation = self._store.store.generation
            self._pending = {**self._written, **self._pending}
        pending, self._pending = self._pending, {}
        for key, draft in pending.items():
            value = _stored(draft)
            if len(msgspec.json.encode(value)) > LONGEST:
                value = draft.text
            try:
                await self._store.run(self._store.store.set_ui_state, key, value)
            except StoreError as error:
                _log.info("a draft could not be kept: %s", error)
                self._pending = {**pending, **self._pending}
                self._begin_writing()
                return False
            self._written[key] = draft
        return True

    def _set(self, key: str, draft: Draft, private: bool) -> None:
        if self._known.get(key, Draft()) == draft:
            return
        self._known[key] = draft
        if private or self._store is None or len(draft.text) > LONGEST:
            return
        self._pending[key] = draft
        self._begin_writing()

    def _begin_writing(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(WRITE_INTERVAL)
            if not await self.flush():
                await asyncio.sleep(RETRY_INTERVAL)

    async def _read(self, key: str) -> Draft:
        if self._store is None:
            return Draft()
        try:
            return _restored(await self._store.run(self._store.store.ui_state, key))
        except StoreError:
            # Who opens the chat is told of a database that cannot be read.
            return Draft()


def _key(conversation: Conversation) -> str:
    session = conversation.session
    return draft_key(session.id) if len(conversation) or session.private else _NEW


def _stored(draft: Draft) -> Any:
    """Return a draft as JSON values: a text, with files an object, `None` for nothing."""
    if not draft.files:
        return draft.text or None
    files = []
    for file in draft.files:
        text_of_a_file = file.path is not None and isinstance(file.part, FilePart)
        files.append(_StoredFile(str(file.path or ""), None if text_of_a_file else file.part, file.fit))
    return msgspec.to_builtins(_Stored(draft.text, tuple(files)))


def _restored(value: Any) -> Draft:
    """Return a draft; one that makes no sense is none."""
    if isinstance(value, str):
        return Draft(value)
    try:
        stored = msgspec.convert(value, _Stored)
    except msgspec.ValidationError:
        return Draft()
    return Draft(stored.text, tuple(file for each in stored.files if (file := _restored_file(each)) is not None))


def _restored_file(stored: _StoredFile) -> PromptFile | None:
    if stored.path:
        path = Path(stored.path)
        return PromptFile(stored.part or FilePart(path.name, ""), 0, fit=stored.fit, path=path, problem=UNREAD)
    return None if stored.part is None else PromptFile(stored.part, 0, fit=stored.fit)
