"""What front ends drive: the chats that live, the model that answers them, and what is remembered."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.live import LiveChat
from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import ModelNotFound
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.requests import SamplingParams
from mistral_tui.types.sessions import Session

OnProgress = Callable[[LoadProgress], None]


class Pool(Protocol):
    """Where engines come from."""

    async def acquire(self, entry: ModelEntry, options: LoadOptions, on_progress: OnProgress | None = None) -> Engine:
        """Load a model, or return the engine that has it."""
        ...

    async def close(self) -> None:
        """Unload everything."""
        ...


class Workspace:
    """All chats of one running program."""

    def __init__(
        self,
        pool: Pool,
        store: None,
        entry: ModelEntry | None,
        options: LoadOptions | None = None,
        sampling: SamplingParams | None = None,
    ) -> None:
        self.entry = entry
        """The model that answers from the next turn on."""
        self.options = options or LoadOptions()
        """How it is loaded, from the next turn on."""
        self.sampling = sampling or SamplingParams()
        """What new chats begin with."""
        self._pool = pool
        self._living: dict[str, LiveChat] = {}
        self._load: _Load | None = None

    def new_chat(self, private: bool = False, system_prompt: str | None = None) -> LiveChat:
        """Begin a chat; it is stored with its first prompt, a private one never."""
        chat = self._chat(Conversation(Session(private=private, system_prompt=system_prompt)))
        self._living[chat.conversation.session.id] = chat
        return chat

    async def open_chat(self, session_id: str) -> LiveChat:
        """Resume a session; if it is still answering, this is the chat that does.

        Raises:
            StoreError: It cannot be read, or is not there.
        """
        return self._living[session_id]

    async def sessions(self, limit: int = 50, before: Session | None = None) -> list[Session]:
        """Return sessions, the latest first; `before` is the last one of the page before."""
        chats = [chat for chat in self._living.values() if len(chat.conversation)]
        return sorted((chat.conversation.session for chat in chats), key=lambda session: -session.updated_at)[:limit]

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session another title."""

    async def delete(self, session_id: str) -> None:
        """Remove a session with all its messages."""

    async def preload(self, on_progress: OnProgress | None = None) -> Engine:
        """Load the model now, so that the first prompt need not wait.

        Raises:
            ModelError, EngineError: It cannot be loaded.
        """
        return await self._engine(on_progress or (lambda progress: None))

    async def close(self) -> None:
        """Stop all replies, write what is pending, unload the models."""
        await asyncio.gather(*(chat.close() for chat in tuple(self._living.values())))
        if self._load is not None:
            self._load.task.cancel()
        await self._pool.close()

    def _chat(self, conversation: Conversation) -> LiveChat:
        return LiveChat(conversation, self._engine, self.sampling)

    async def _engine(self, on_progress: OnProgress) -> Engine:
        """Return the engine of the chosen model; all who wait for one load share it."""
        if self.entry is None:
            raise ModelNotFound("no model is chosen; choose one, or download the starter model")
        load = self._load
        if load is None or load.key != (self.entry, self.options) or load.failed:
            load = self._load = _Load(self._pool, self.entry, self.options)
        return await load.wait(on_progress)


class _Load:
    """One model that is being loaded or has been, and who wants to know how far it is."""

    def __init__(self, pool: Pool, entry: ModelEntry, options: LoadOptions) -> None:
        self.key = (entry, options)
        self._listeners: list[OnProgress] = []
        self._progress: LoadProgress | None = None
        self.task = asyncio.create_task(pool.acquire(entry, options, self._report))

    @property
    def failed(self) -> bool:
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    async def wait(self, on_progress: OnProgress) -> Engine:
        """Return the engine; giving up waiting does not stop the load, which others may wait for."""
        if not self.task.done():
            if self._progress is not None:
                on_progress(self._progress)
            self._listeners.append(on_progress)
        try:
            return await asyncio.shield(self.task)
        finally:
            if on_progress in self._listeners:
                self._listeners.remove(on_progress)

    def _report(self, progress: LoadProgress) -> None:
        self._progress = progress
        for listener in tuple(self._listeners):
            listener(progress)
