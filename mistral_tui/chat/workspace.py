"""What front ends drive: the chats that live, the model that answers them, and what is remembered."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mistral_tui.chat.chat_tools import ChatTools
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.drafts import Drafts
from mistral_tui.chat.library import Library
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.loading import Load, OnProgress, Pool
from mistral_tui.chat.others import Others
from mistral_tui.chat.rescue import rescue
from mistral_tui.chat.settings import with_settings
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.chat.template_choice import TemplateChoice
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.queries import embed
from mistral_tui.store.store import Store
from mistral_tui.tools.policy.policy import Policy
from mistral_tui.tools.servers import Servers
from mistral_tui.types.errors import InvalidRequest, ModelNotFound, StoreError
from mistral_tui.types.messages import Attachment
from mistral_tui.types.models import Adapter, LoadOptions, ModelEntry
from mistral_tui.types.pool import HeldModel, PoolLimits
from mistral_tui.types.requests import GenerateRequest
from mistral_tui.types.sessions import MODEL, Session
from mistral_tui.types.text import printable

if TYPE_CHECKING:
    from mistral_tui.chat.compare import Comparison, Contestant
    from mistral_tui.chat.documents.retrieval import Retrieval
    from mistral_tui.models.catalog import Catalog

__all__ = ["Pool", "Workspace"]

_log = logging.getLogger(__name__)


class Workspace:
    """All chats of one running program, on one event loop.

    The store is used in a thread of its own; it need not be open yet.
    """

    def __init__(
        self,
        pool: Pool,
        store: Store | None,
        entry: ModelEntry | None,
        options: LoadOptions | None = None,
        request: GenerateRequest | None = None,
        catalog: Callable[[], "Catalog"] | None = None,
        servers: Servers | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Begin without a chat and without loading anything.

        Args:
            pool: Where models are loaded; closed by `close`.
            store: Where chats are remembered; closed by `close`. `None`: everything stays in memory.
            entry: The model that answers, if one is chosen already.
            options: How it is loaded.
            request: What the turns of new chats ask for, besides their messages.
            catalog: Returns what there is to choose from; called when somebody wants to see it.
            servers: The servers of tools, which the first chat that is answered starts; closed by `close`.
            policy: Says which calls of tools may be made without asking; `None`: none.
        """
        self.entry = entry
        """The model that answers the chats that have none of their own, from the next turn on."""
        self.options = options or LoadOptions()
        """How models are loaded from the next turn on; its chat template wins over one that was chosen for a model."""
        self.request = request or GenerateRequest()
        """What chats that are opened from now on begin with."""
        self.limits = PoolLimits()
        """What the pool may have loaded at once."""
        self.servers = servers or Servers()
        """Where the tools are that models may call."""
        self.policy = policy or Policy()
        """What the person has said of calls."""
        self.servers.tell = self.policy.tell = self._tell
        self.on_question: Callable[[], None] = lambda: None
        """Told when a call of a chat begins to wait for the person, or ceases to."""
        self.catalog = catalog
        """Returns all models; `None`: there is only the one."""
        self._pool = pool
        self._store = None if store is None else StoreThread(store)
        self._living: dict[str, LiveChat] = {}
        self._loads: list[Load] = []
        self._listeners: list[Callable[[str], None]] = []
        self._templates = TemplateChoice(self._store)
        self.embedding_entry: ModelEntry | None = None
        """The model that finds passages in long documents; `None`: the one that answers."""
        self._retrievals: dict[Path, Retrieval] = {}
        self._others: Others | None = None
        self.last_words = ""
        """What the person should know once the program has ended: where chats are that could not be stored."""
        self.drafts = Drafts(self._store)
        """What is typed and not sent."""
        self.library = Library(self._store, self._living, self._forget)
        """All sessions, living or stored."""

    def entry_of(self, chat: LiveChat) -> ModelEntry | None:
        """Return the model that answers a chat from its next turn on, if one is chosen."""
        return chat.entry or self.entry

    def use_model(self, chat: LiveChat, entry: ModelEntry) -> None:
        """Let this model answer a chat from its next turn on."""
        chat.settings.use_model(entry)

    def use_by_default(self, entry: ModelEntry) -> None:
        """Let this model answer chats that have none of their own; those that have begun keep the one they have."""
        for chat in self._living.values():
            if len(chat.conversation) and chat.entry is None:
                chat.settings.entry = self.entry
        self.entry = entry

    async def loaded_models(self) -> tuple[HeldModel, ...]:
        """Return the models that are loaded or being loaded, also for other programs that share them."""
        return await self._pool.held()

    async def models_last_used(self) -> dict[str, float]:
        """Return when each model last answered a stored chat, by its name.

        Raises:
            StoreError: They cannot be read.
        """
        return {} if self._store is None else await self._store.run(self._store.store.models_last_used)

    def adapters_of(self, chat: LiveChat) -> tuple[Adapter, ...]:
        """Return the LoRAs that count unless the chat names others."""
        return self._adapters(self.entry_of(chat))

    @property
    def notices(self) -> tuple[str, ...]:
        """What the person should know of the database, once it was used: that it is read-only, or was damaged."""
        return () if self._store is None else self._store.store.notices

    def new_chat(self, private: bool = False, system_prompt: str | None = None) -> LiveChat:
        """Begin a chat; it is stored with its first prompt, a private one never."""
        return self._live(
            Conversation(Session(private=private, system_prompt=system_prompt and printable(system_prompt)))
        )

    def new_chat_after(self, chat: LiveChat, private: bool = False) -> LiveChat:
        """Begin a chat in the place of another one, with the model that was chosen for that."""
        following = self.new_chat(private)
        if (chosen := chat.settings.chosen_model) is not None:
            following.settings.use_model(chosen)
        return following

    async def new_chat_with(self, model: str) -> LiveChat:
        """Begin a chat with the model of this name; says so if it is not here."""
        chat = self._live(Conversation(Session(settings={MODEL: model})))
        chat.settings.entry = await self._model_of(chat.conversation.session)
        return chat

    def fork(self, chat: LiveChat, message_id: str) -> LiveChat:
        """Begin a chat that has said the same as another one up to a message, with the same model and settings."""
        fork = self._live(chat.conversation.fork(message_id))
        fork.settings.begin_like(chat.settings)
        fork.remember(*fork.conversation.messages)
        return fork

    async def open_chat(self, session_id: str) -> LiveChat:
        """Resume a session; one that lives already, perhaps answering, is returned as it is.

        Raises:
            StoreError: It is not there, or cannot be read.
        """
        if session_id not in self._living:
            if self._store is None:
                raise StoreError(f"there is no session {session_id}; it may have been deleted")
            session = await self._store.run(self._store.store.session, session_id)
            messages = await self._store.run(self._store.store.messages, session_id)
            runs = await self._store.run(self._store.store.tool_runs, session_id)
            entry = await self._model_of(session)
            session = await asyncio.to_thread(self._without_lost_adapters, session)
            # It may have been opened by another caller meanwhile.
            if session_id not in self._living:
                chat = self._live(Conversation(session, messages, runs))
                chat.settings.entry = entry
                return chat
        return self._living[session_id]

    async def past_prompts(self) -> list[str]:
        """Return what was asked before in stored chats, newest first, each once; nothing of private ones.

        Raises:
            StoreError: It cannot be read.
        """
        return [] if self._store is None else await self._store.run(self._store.store.prompts)

    async def preload(self, on_progress: OnProgress | None = None, chat: LiveChat | None = None) -> Engine:
        """Load a model now, so that the first prompt need not wait: that of a chat, else the workspace's.

        Raises:
            ModelError, EngineError: It cannot be loaded.
        """
        entry = self.entry if chat is None else self.entry_of(chat)
        return await self._load_and_wait(entry, on_progress or (lambda progress: None))

    def retrieval(self, chat: LiveChat) -> "Retrieval":
        """Return what finds passages in long documents for a chat.

        Raises:
            ModelNotFound: There is no model that could.
        """
        from mistral_tui.chat.documents.retrieval import Retrieval  # only for long documents

        entry = self.embedding_entry or self.entry_of(chat)
        if entry is None:
            raise ModelNotFound("no model is chosen; choose one, or name one as embedding_model in the settings")
        options = msgspec.structs.replace(self.options, embedding=True, chat_template=None, draft=None)

        async def vectors(texts: Sequence[str]) -> Sequence[Sequence[float]]:
            engine = await self._pool.acquire(entry, options)
            return (await embed(engine, texts)).vectors

        return self._retrievals.setdefault(entry.path, Retrieval(vectors))

    def loaded_engine(self, chat: LiveChat) -> Engine | None:
        """Return the engine of the model of a chat, if it is loaded."""
        entry = self.entry_of(chat)
        return next((load.engine for load in self._loads if load.engine is not None and load.entry == entry), None)

    async def compare(
        self, chat: LiveChat, contestants: Sequence["Contestant"], text: str = "", files: tuple[Attachment, ...] = ()
    ) -> "Comparison":
        """Let several contestants answer a prompt of a chat, or its last one anew; return who answers when.

        Raises:
            InvalidRequest: There are too few contestants or too many, there is no prompt, or the chat is busy.
        """
        from mistral_tui.chat.compare import plan, run_comparison  # seldom wanted

        comparison = await asyncio.to_thread(plan, contestants, self.options, self.limits)
        chat.compare(partial(run_comparison, comparison=comparison, engine_of=self._load_and_wait), text, files)
        return comparison

    async def unload(self, chat: LiveChat) -> None:
        """Unload the model of a chat; the next prompt loads it again.

        Raises:
            ModelNotFound: None is loaded.
            EngineError: It is answering, or being loaded.
        """
        entry = self.entry_of(chat)
        if entry is None:
            raise ModelNotFound("no model is chosen")
        await self.unload_model(entry)

    async def load_model(self, entry: ModelEntry, on_progress: OnProgress | None = None) -> Engine:
        """Load any model now.

        Raises:
            ModelError, EngineError: It cannot be loaded.
        """
        if all(held.path != str(entry.path) for held in await self._pool.held()):
            # A load that is done says nothing of a model that was unloaded since.
            self._loads = [load for load in self._loads if load.engine is None or load.entry != entry]
        return await self._load_and_wait(entry, on_progress or (lambda progress: None))

    async def unload_model(self, entry: ModelEntry) -> None:
        """Unload any model; the next prompt for it loads it again.

        Raises:
            ModelNotFound: It is not loaded.
            EngineError: It is answering, or being loaded.
        """
        path = str(entry.path)
        names = [held.name for held in await self._pool.held() if held.path == path]  # it may be called otherwise
        await self._pool.unload(names[0] if names else entry.name)

    async def recall(self, key: str) -> Any:
        """Return what the screen remembered under a key, as JSON values; `None`: nothing, or it cannot be read."""
        if self._store is None:
            return None
        try:
            return await self._store.run(self._store.store.ui_state, key)
        except StoreError:
            return None  # who opens a chat is told of a database that cannot be read

    async def remember(self, key: str, value: Any) -> None:
        """Let the screen remember JSON values under a key, as far as they can be stored; `None` forgets them."""
        if self._store is None:
            return
        try:
            await self._store.run(self._store.store.set_ui_state, key, value)
        except StoreError as error:
            _log.info("what the screen looks like could not be kept: %s", error)

    def watch_others(self, on_change: Callable[[], None]) -> None:
        """Let the chats learn what other programs write into the database, and call `on_change` when they do."""
        if self._store is not None and self._others is None:
            self._others = Others(self._store, self._living, on_change)

    @property
    def asking(self) -> tuple[LiveChat, ...]:
        """The chats of which a call waits for the person."""
        return tuple(chat for chat in self._living.values() if chat.tools.asked)

    def listen(self, on_notice: Callable[[str], None]) -> None:
        """Tell what the person should know of models: that one was unloaded, and why, or is not there any more."""
        self._listeners.append(on_notice)
        self._pool.listen(on_notice)

    async def choose_chat_template(self, template: str, chat: LiveChat | None = None) -> None:
        """Use a chat template for the model of a chat, or the workspace's, now and in later runs.

        Raises:
            StoreError: It is used now, but cannot be remembered.
        """
        entry = self.entry if chat is None else self.entry_of(chat)
        if entry is None:
            raise InvalidRequest("no model is chosen; choose one first")
        await self._templates.choose(entry, template)

    async def close(self) -> None:
        """Stop all replies, write what is pending, unload the models. Takes no longer than a few seconds."""
        if self._others is not None:
            self._others.stop()
        async with contextlib.AsyncExitStack() as at_the_end:
            if self._store is not None:
                at_the_end.push_async_callback(self._store.close)
            at_the_end.push_async_callback(self._pool.close)
            at_the_end.push_async_callback(self.servers.close)
            at_the_end.push_async_callback(self.drafts.flush)
            at_the_end.push_async_callback(self.library.close)
            chats = tuple(self._living.values())
            stored = await asyncio.gather(*(chat.close() for chat in chats))
            if unsaved := [chat.conversation for chat, is_stored in zip(chats, stored, strict=True) if not is_stored]:
                self.last_words = await asyncio.to_thread(rescue, unsaved)
                _log.error("%s", self.last_words)
            for load in self._loads:
                load.stop()

    async def _forget(self, session_id: str) -> None:
        """End a chat that is about to be deleted; what was said is stored first, it may be brought back."""
        chat = self._living.pop(session_id, None)
        if chat is not None:
            await chat.close()
            await chat.discard()
        for load in self._loads:
            if load.engine is not None:
                await load.engine.forget(session_id)

    async def _model_of(self, session: Session) -> ModelEntry | None:
        """Return the model that a session goes on with, unless that is the default; says so if it is not there."""
        name = session.next_model
        if name is None or self.catalog is None or (self.entry is not None and self.entry.name == name):
            return None
        with contextlib.suppress(ModelNotFound):
            entry = await asyncio.to_thread(self.catalog().find, name)
            if entry.name == name and entry.downloaded:
                return entry
        if self.entry is not None:
            self._tell(f"{name}, which answered this chat, is not here any more; {self.entry.name} goes on")
        return None

    def _without_lost_adapters(self, session: Session) -> Session:
        """Leave out the LoRAs of a session that are not there any more; no reply could be begun with them."""
        chosen = with_settings(GenerateRequest(), session.settings).adapters or ()
        lost = [adapter for adapter in chosen if not Path(adapter.path).is_file()]
        if not lost:
            return session
        for adapter in lost:
            self._tell(f"{adapter.path}, a LoRA of this chat, is not here any more; it goes on without it")
        kept = [msgspec.to_builtins(adapter) for adapter in chosen if adapter not in lost]
        return msgspec.structs.replace(session, settings={**session.settings, "adapters": kept})

    def _tell(self, notice: str) -> None:
        for listener in self._listeners:
            listener(notice)

    def _live(self, conversation: Conversation) -> LiveChat:
        tools = partial(ChatTools, self.servers, self.policy)
        chat = LiveChat(conversation, self._engine, self.request, self._store, self._use_changed, tools)
        self._living[conversation.session.id] = chat
        return chat

    def _use_changed(self, chat: LiveChat) -> None:
        chat_id = chat.conversation.session.id
        if chat.in_use:
            self._living.setdefault(chat_id, chat)
        elif self._living.get(chat_id) is chat:
            del self._living[chat_id]
        self.on_question()
        if chat.failed:
            # Perhaps its worker died: the pool knows, and is asked again by the next turn.
            for load in self._loads:
                load.in_doubt |= load.engine is not None and load.entry == self.entry_of(chat)

    async def _engine(self, chat: LiveChat, on_progress: OnProgress) -> Engine:
        return await self._load_and_wait(self.entry_of(chat), on_progress)

    async def _load_and_wait(self, entry: ModelEntry | None, on_progress: OnProgress) -> Engine:
        if entry is None:
            raise ModelNotFound("no model is chosen; choose one, or download the starter model")
        options = msgspec.structs.replace(self.options, adapters=self._adapters(entry))
        if options.mmproj is None and entry.mmproj is not None:
            options = msgspec.structs.replace(options, mmproj=str(entry.mmproj))
        if options.chat_template is None:
            options = msgspec.structs.replace(options, chat_template=await self._templates.of(entry))
        return await self._load_of(entry, options).wait(on_progress)

    def _adapters(self, entry: ModelEntry | None) -> tuple[Adapter, ...]:
        """Return the LoRAs of the options, else those that the inventory has for a model."""
        if self.options.adapters or entry is None:
            return self.options.adapters
        return tuple(Adapter(str(path)) for path in entry.adapters)

    def _load_of(self, entry: ModelEntry, options: LoadOptions) -> Load:
        """Return the load of a model that is under way or done, or begin one."""
        for load in self._loads:
            if not load.failed and not load.in_doubt and (load.entry, load.options) == (entry, options):
                return load
        for load in self._loads:
            load.stop_if_unwanted()
        kept = [load for load in self._loads if not (load.in_doubt and load.entry == entry)]
        self._loads = [load for load in kept if not load.failed and (load.wanted or load.engine is not None)]
        self._loads.append(Load(self._pool, entry, options))
        return self._loads[-1]
