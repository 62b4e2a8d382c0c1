"""A chat that may be answering: its conversation, the task that writes the reply, and who listens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from mistral_tui.chat.attempt import Added, Answers, Attempt, AttemptEnded
from mistral_tui.chat.call_record import CallRecord
from mistral_tui.chat.chat_tools import ChatTools
from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.events import ChatEvent, LearnedFromOthers, QueueChanged, SavingChanged
from mistral_tui.chat.recorder import Recorder
from mistral_tui.chat.settings import ChatSettings
from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.chat.token_scores import TokenScores
from mistral_tui.chat.turn import check_can_go_on
from mistral_tui.engines.choices import check_count
from mistral_tui.engines.engine import Engine
from mistral_tui.tools.policy.policy import Policy
from mistral_tui.tools.servers import Servers
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import MessageCommitted, ToolChanged, TurnEnded
from mistral_tui.types.messages import Attachment, Message, Part, TextPart
from mistral_tui.types.models import LoadProgress, ModelEntry
from mistral_tui.types.requests import GenerateRequest
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import encodable
from mistral_tui.types.tools import ToolRun

_log = logging.getLogger(__name__)

CLOSE_LIMIT = 3.0
"""Most seconds to wait for the store at the end."""

ChatState = Literal["idle", "loading", "answering"]
Listener = Callable[[ChatEvent], None]
GetEngine = Callable[["LiveChat", Callable[[LoadProgress], None]], Awaitable[Engine]]


class LiveChat:
    """One conversation and the reply that is being written for it, independent of any screen.

    Everything happens on one event loop. Listeners are called on it, in the order of the events, and must not block.
    """

    def __init__(
        self,
        conversation: Conversation,
        get_engine: GetEngine,
        request: GenerateRequest,
        store: StoreThread | None = None,
        on_use: Callable[["LiveChat"], None] = lambda chat: None,
        tools: Callable[[ChatSettings], ChatTools] | None = None,
    ) -> None:
        """Make a chat of a conversation.

        Args:
            conversation: It is continued; nobody else may change it.
            get_engine: Returns the model that answers this chat, and reports its loading.
            request: What every turn asks for, besides its messages and what was set for this chat alone.
            store: Where it is remembered; `None` and private sessions stay in memory.
            on_use: Called when `in_use` may have changed.
            tools: Returns what the model may call; `None`: nothing.
        """
        self.conversation = conversation
        self.settings = ChatSettings(conversation, request, self._session_changed)
        """Who answers from the next turn on, and how."""
        self.tools = tools(self.settings) if tools else ChatTools(Servers(), Policy(), self.settings)
        """What the model may call, and the calls that wait for the person."""
        self.unsaved: str | None = None
        """Why the chat is kept in memory only; `None`: what was said is stored, or is not meant to be."""
        self.failed = False
        """Whether the last turn failed."""
        self.scores = TokenScores()
        """How likely the tokens of replies were, where that was asked for."""
        self.calls = CallRecord(conversation)
        """What became of its calls."""
        self._get_engine = get_engine
        self._on_use = on_use
        self._discarded = False
        self._recorder: Recorder | None = None
        if store is not None and not conversation.session.private:
            self._recorder = Recorder(conversation, store, self._saving_changed, self._use_changed)
        self._listeners: list[Listener] = []
        self._queue: list[tuple[str, tuple[Attachment, ...]]] = []
        self._attempt: Attempt | None = None
        """The work on a prompt, while there is some."""
        self._task: asyncio.Task[None] | None = None

    @property
    def entry(self) -> ModelEntry | None:
        """The model that answers from the next turn on; `None`: the one of the workspace."""
        return self.settings.entry

    @property
    def request(self) -> GenerateRequest:
        """What every turn asks for from the next one on, besides its messages."""
        return self.settings.request

    @property
    def state(self) -> ChatState:
        """`loading`: a prompt waits for the model; `answering`: a reply is being written."""
        if self._attempt is None:
            return "idle"
        return "answering" if self._attempt.answering else "loading"

    @property
    def busy(self) -> bool:
        """Whether a prompt is being worked on; `send` and `retry` must wait."""
        return self._attempt is not None

    @property
    def in_use(self) -> bool:
        """Whether the chat would be missed: it works, someone listens, or it exists nowhere else."""
        if self._discarded:
            return False
        if self.busy or self._listeners or self._queue:
            return True
        return len(self.conversation) > 0 if self._recorder is None else self._recorder.pending

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on, until the returned function is called."""
        self._listeners.append(listener)
        self._use_changed()

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
                self._use_changed()

        return unsubscribe

    def send(
        self, text: str, files: tuple[Attachment, ...] = (), choices: int = 1, instead_of: str | None = None
    ) -> None:
        """Append a prompt and answer it as soon as the model is there; a `MessageCommitted` shows the prompt at once.

        Args:
            text: What the person says.
            files: What goes along.
            choices: How many replies to write at once. Of more than one, the events come as `ChoiceEvent`; each is a
                branch, the first the active one.
            instead_of: A message whose place it takes, in a branch of its own; `None`: it follows the active branch.

        Raises:
            InvalidRequest: The prompt is empty, the chat is busy, or so many choices are not possible.
        """
        self.check_idle()
        check_count(choices)
        leaf_before = self.conversation.leaf_id
        prompt = self._ask(text, files, instead_of)
        self._answer(Added(leaf_before, prompt=prompt), choices)
        self._emit(MessageCommitted(prompt))

    def compare(self, answers: Answers, text: str = "", files: tuple[Attachment, ...] = ()) -> None:
        """Let several models answer a prompt, or one with several settings: each reply is a branch.

        The events of the replies come as `ChoiceEvent`.

        Args:
            answers: Yields the events of the replies.
            text: What the person says; empty: the last prompt of the active branch is answered anew.
            files: What goes along.

        Raises:
            InvalidRequest: There is no prompt yet, or the chat is busy.
        """
        self.check_idle()
        leaf_before = self.conversation.leaf_id
        prompt = self._ask(text, files) if text.strip() or files else None
        if prompt is None:
            self.conversation.select(self._last_prompt(self.conversation.path()).id)
        attempt = self._begin(Added(leaf_before, prompt=prompt))
        self._task = asyncio.create_task(self._finish(attempt.compare(answers)))
        if prompt is not None:
            self._emit(MessageCommitted(prompt))

    @property
    def queued(self) -> tuple[str, ...]:
        """The texts of the prompts that wait, the next one first."""
        return tuple(text for text, _ in self._queue)

    def send_later(self, text: str, files: tuple[Attachment, ...] = ()) -> None:
        """Send a prompt when the reply that is being written, and those before it in the queue, have ended.

        When a reply is cancelled or fails, the prompts stay in the queue until they are taken back.
        """
        if not self.busy:
            self.send(text, files)
            return
        self._queue.append((text, files))
        self._emit(QueueChanged(self.queued))

    def take_back_queued(self) -> list[tuple[str, tuple[Attachment, ...]]]:
        """Return the prompts that wait, which do so no more."""
        taken, self._queue = self._queue, []
        if taken:
            self._emit(QueueChanged(()))
            self._use_changed()
        return taken

    def retry(self, message_id: str | None = None) -> None:
        """Answer a prompt (again): the reply begins a branch of its own.

        Args:
            message_id: The prompt, or a reply to it; `None`: the last prompt of the active branch.

        Raises:
            InvalidRequest: There is no prompt yet, or the chat is busy.
        """
        self.check_idle()
        path = self.conversation.path() if message_id is None else self.conversation.path_to(message_id)
        prompt = self._last_prompt(path)
        leaf_before = self.conversation.leaf_id
        self.conversation.select(prompt.id)
        self._answer(Added(leaf_before))

    def go_on(self, message_id: str, parts: tuple[Part, ...] | None = None) -> None:
        """Let the model write more of a reply; one that something follows goes on in a branch of its own.

        Args:
            message_id: The reply.
            parts: What the reply begins with instead; it is then a branch of its own, too.

        Raises:
            InvalidRequest: It is no reply, it cannot be left open, or the chat is busy.
        """
        self.check_idle()
        reply = self.conversation[message_id]
        check_can_go_on(reply)
        leaf_before = self.conversation.leaf_id
        if parts is None and not self.conversation.children(message_id):
            self.conversation.select(message_id)
            self._answer(Added(leaf_before))
            return
        self.conversation.select(self.conversation.parent_id(message_id))
        beside = Message("assistant", reply.parts if parts is None else parts, finish="cancelled")
        self._answer(Added(leaf_before, reply=self.conversation.append(beside)))

    def learn(self, session: Session, messages: Iterable[Message], runs: Iterable[ToolRun] = ()) -> bool:
        """Take over what another program has stored of this chat, and return whether that was possible now."""
        if self._discarded:
            return True
        if self.busy or (self._recorder is not None and self._recorder.pending):
            return False
        was_there = self.conversation.session.deleted_at is None
        if self.conversation.learn(session, messages, runs):
            self.settings.learned()
            self._emit(LearnedFromOthers(deleted=was_there and session.deleted_at is not None))
        return True

    def remember(self, *messages: Message) -> None:
        """Store messages that were added or changed, with their calls, and which branch is the active one."""
        for message in messages:
            if self._recorder is not None:
                self._recorder.note(message)
                for run in self.conversation.runs_of(message.id):
                    self._recorder.note_run(run)
        self._use_changed()

    def cancel(self) -> None:
        """Stop: the reply ends with what was said; a prompt that still waits for the model is taken back."""
        if self._attempt is not None:
            self._attempt.cancel()

    async def wait(self) -> None:
        """Return when the chat is idle."""
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})

    async def close(self) -> bool:
        """Stop, and return whether all that is to be stored is; if not, `unsaved` may say why."""
        self.cancel()
        await self.wait()
        if self._recorder is None:
            return True
        await self._recorder.flush(CLOSE_LIMIT)
        stored = not self._recorder.pending
        self._recorder.stop()
        return stored

    async def discard(self) -> None:
        """Stop, and store nothing any more: the session is about to be deleted."""
        self._discarded = True
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None
        self.cancel()
        await self.wait()
        self._use_changed()

    def check_idle(self) -> None:
        """Do nothing while a prompt is being worked on.

        Raises:
            InvalidRequest: One is.
        """
        if self.busy:
            raise InvalidRequest("a reply is still being written; wait for it or cancel it first")

    def _session_changed(self) -> None:
        """Store the session, which is stored with any of its messages."""
        leaf = self.conversation.leaf_id
        if self._recorder is not None and leaf is not None:
            self._recorder.note(self.conversation[leaf])

    def _ask(self, text: str, files: tuple[Attachment, ...], instead_of: str | None = None) -> Message:
        """Append a prompt to the active branch, or put it beside another message."""
        if not text.strip() and not files:
            raise InvalidRequest("the prompt is empty; type something first")
        parts: tuple[Part, ...] = (*files, TextPart(encodable(text))) if text.strip() else tuple(files)
        if instead_of is not None:
            self.conversation.select(self.conversation.parent_id(instead_of))
        prompt = self.conversation.append(Message("user", parts))
        self.remember(prompt)
        return prompt

    def _last_prompt(self, path: tuple[Message, ...]) -> Message:
        prompt = next((message for message in reversed(path) if message.role == "user"), None)
        if prompt is None:
            raise InvalidRequest("there is no prompt to answer again; type one first")
        return prompt

    def _begin(self, added: Added) -> Attempt:
        self._attempt = Attempt(self.conversation, added, self._recorder, self.scores, self._emit)
        self.failed = False
        self._use_changed()
        return self._attempt

    def _answer(self, added: Added, choices: int = 1) -> None:
        """Answer what the active branch ends with."""
        ended = self._begin(added).answer(
            lambda: self._get_engine(self, self._emit), lambda: self.request, choices, self.tools.use
        )
        self._task = asyncio.create_task(self._finish(ended))

    async def _finish(self, ended: Awaitable[AttemptEnded]) -> None:
        self._end(await ended)

    def _end(self, event: AttemptEnded) -> None:
        """Become idle, then say so: a listener may send the next prompt at once."""
        self._attempt = None
        self.failed = isinstance(event, TurnEnded) and event.reason == "failed"
        self._use_changed()
        self._emit(event)
        answered = isinstance(event, TurnEnded) and event.reason not in ("cancelled", "failed")
        if answered and self._queue and not self.busy:
            self.send(*self._queue.pop(0))
            self._emit(QueueChanged(self.queued, sent=True))

    def _saving_changed(self, unsaved: str | None) -> None:
        self.unsaved = unsaved
        self._emit(SavingChanged(unsaved))

    def _use_changed(self) -> None:
        self._on_use(self)

    def _emit(self, event: ChatEvent) -> None:
        self.calls.note(event)
        if isinstance(event, ToolChanged):
            self._use_changed()
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                _log.exception("a listener failed on %s", type(event).__name__)
