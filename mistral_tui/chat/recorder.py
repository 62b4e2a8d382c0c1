"""Writes a chat into the store as it goes on, and keeps what could not be written until it can."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.types.errors import StoreError
from mistral_tui.types.events import Delta, MessageCommitted, ReplyStarted, ToolChanged, TurnEvent
from mistral_tui.types.messages import Message
from mistral_tui.types.tools import ToolRun

_log = logging.getLogger(__name__)

WRITE_INTERVAL = 0.1
"""Least seconds between two writes of a growing reply; text is on disk within a quarter of a second."""
RETRY_INTERVAL = 2.0
"""Seconds until a failed write is tried again."""
READ_ONLY_INTERVAL = 60.0
"""The same for a database that is known to be read-only: it seldom changes its mind."""


class Recorder:
    """Remembers one conversation.

    `note` and `forget` return at once; a task of the event loop passes what is pending on to the store's thread.
    """

    def __init__(
        self,
        conversation: Conversation,
        thread: StoreThread,
        on_change: Callable[[str | None], None],
        on_settled: Callable[[], None],
    ) -> None:
        """Begin with a conversation whose messages are all stored.

        Args:
            conversation: What is remembered.
            thread: Where the store is used.
            on_change: Called with the reason when saving begins to fail, and with `None` when it works again.
            on_settled: Called when nothing is pending any more.
        """
        self._conversation = conversation
        self._thread = thread
        self._on_change = on_change
        self._on_settled = on_settled
        self._pending: dict[str, Message] = {}
        self._pending_runs: dict[str, ToolRun] = {}
        self._removed: set[str] = set()
        self._reply_ids: dict[int, str] = {}
        """The replies that are being written, by the number of the choice."""
        self._unsaved: str | None = None
        self._generation = thread.store.generation
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._attempted = asyncio.Event()

    @property
    def pending(self) -> bool:
        """Whether something has yet to be written."""
        return self._task is not None

    def note(self, message: Message) -> None:
        """Write `message` soon: at once if it is complete, otherwise with the next regular write."""
        self._pending[message.id] = message
        if self._conversation.session.deleted_at is not None:
            # Deleted by another program: it comes back with what is written.
            self._conversation.session = msgspec.structs.replace(self._conversation.session, deleted_at=None)
        self._work(hurry=message.role != "assistant" or message.finish is not None)

    def note_run(self, run: ToolRun) -> None:
        """Write a call of a tool, which is written whenever its state changes."""
        self._pending_runs[run.id] = run
        self._work(hurry=True)

    def follow(self, event: TurnEvent, choice: int = 0) -> None:
        """Note what a turn has just added to the conversation.

        Args:
            event: It.
            choice: Which of several replies that are written at once it belongs to.
        """
        if isinstance(event, ReplyStarted):
            self._reply_ids[choice] = event.message.id
            self.note(event.message)
        elif isinstance(event, Delta):
            self.note(self._conversation[self._reply_ids[choice]])
        elif isinstance(event, MessageCommitted):
            self.note(event.message)
        elif isinstance(event, ToolChanged):
            self.note_run(event.run)

    def forget(self, message_id: str) -> None:
        """Remove a message that is no longer part of the conversation."""
        self._pending.pop(message_id, None)
        self._removed.add(message_id)
        self._work(hurry=True)

    async def flush(self, limit: float) -> None:
        """Return when all that is pending is written, when writing it has failed, or after `limit` seconds."""
        self._attempted.clear()
        self._hurry.set()
        if self.pending:
            await _wait(self._attempted, limit)

    def stop(self) -> None:
        """Write nothing any more."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        self._pending.clear()
        self._pending_runs.clear()
        self._removed.clear()

    def _work(self, hurry: bool) -> None:
        if hurry:
            self._hurry.set()
        if self._task is None:
            self._task = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        while self._pending or self._pending_runs or self._removed:
            self._hurry.clear()
            messages, self._pending = self._pending, {}
            runs, self._pending_runs = self._pending_runs, {}
            removed, self._removed = self._removed, set()
            store = self._thread.store
            try:
                session = self._conversation.session
                new = await self._thread.run(store.save, session, [*messages.values()], [*removed], [*runs.values()])
            except Exception as error:
                if not isinstance(error, StoreError):
                    _log.exception("a chat could not be saved")
                self._pending = {**messages, **self._pending}
                self._pending_runs = {**runs, **self._pending_runs}
                self._removed |= removed
                self._report(str(error))
                self._attempted.set()
                await _wait(self._hurry, READ_ONLY_INTERVAL if store.read_only else RETRY_INTERVAL)
                continue
            lost = new and any(message.id not in messages for message in self._conversation.messages)
            if lost or store.generation != self._generation:
                # The file was replaced, or another program has removed the session for good: what was written before
                # is missing. All is written anew, in its order.
                self._generation = store.generation
                self._pending = {message.id: message for message in self._conversation.messages}
                self._pending_runs = {run.id: run for run in self._conversation.runs}
                self._removed |= messages.keys()
                continue
            if not self._pending and not self._pending_runs and not self._removed:
                self._report(None)
                self._attempted.set()
            await _wait(self._hurry, WRITE_INTERVAL)
        self._task = None
        self._attempted.set()
        self._on_settled()

    def _report(self, unsaved: str | None) -> None:
        if unsaved != self._unsaved:
            self._unsaved = unsaved
            self._on_change(unsaved)


async def _wait(event: asyncio.Event, limit: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit):
            await event.wait()
