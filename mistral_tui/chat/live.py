"""A chat that may be answering: its conversation, the task that writes the reply, and who listens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.events import ChatEvent, ChatFailed, PromptReturned, SavingChanged
from mistral_tui.chat.turn import run_turn
from mistral_tui.engines.engine import Engine
from mistral_tui.types.errors import EngineError, InvalidRequest, MistralTuiError
from mistral_tui.types.events import MessageCommitted, TurnEnded
from mistral_tui.types.messages import FilePart, Message, Part, TextPart
from mistral_tui.types.models import LoadProgress
from mistral_tui.types.requests import SamplingParams

_log = logging.getLogger(__name__)

ChatState = Literal["idle", "loading", "answering"]
Listener = Callable[[ChatEvent], None]
GetEngine = Callable[[Callable[[LoadProgress], None]], Awaitable[Engine]]


class Recorder(Protocol):
    """What remembers the chat; none for a private one."""


class LiveChat:
    """One conversation and the reply that is being written for it, independent of any screen.

    Everything happens on one event loop. Listeners are called on it, in the order of the events, and must not block.
    """

    def __init__(self, conversation: Conversation, get_engine: GetEngine, sampling: SamplingParams) -> None:
        self.conversation = conversation
        self.sampling = sampling
        """Used from the next turn on."""
        self.unsaved: str | None = None
        """Why the chat is kept in memory only; `None`: what was said is stored, or is not meant to be."""
        self._get_engine = get_engine
        self._listeners: list[Listener] = []
        self._state: ChatState = "idle"
        self._cancelled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> ChatState:
        """`loading`: a prompt waits for the model; `answering`: a reply is being written."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether a prompt is being worked on; `send` and `retry` must wait."""
        return self._state != "idle"

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def send(self, text: str, files: tuple[FilePart, ...] = ()) -> None:
        """Append a prompt and answer it as soon as the model is there; a `MessageCommitted` shows the prompt at once.

        Raises:
            InvalidRequest: The prompt is empty, or the chat is busy.
        """
        self._check_idle()
        if not text.strip() and not files:
            raise InvalidRequest("the prompt is empty; type something first")
        parts: tuple[Part, ...] = files
        if text.strip():
            parts = (*files, TextPart(_valid_unicode(text)))
        prompt = self.conversation.append(Message("user", parts))
        self._emit(MessageCommitted(prompt))
        self._start(prompt)

    def retry(self) -> None:
        """Answer the last prompt of the active branch (again): the reply begins a branch of its own.

        Raises:
            InvalidRequest: There is no prompt yet, or the chat is busy.
        """
        self._check_idle()
        prompt = next((message for message in reversed(self.conversation.path()) if message.role == "user"), None)
        if prompt is None:
            raise InvalidRequest("there is no prompt to answer again; type one first")
        self.conversation.select(prompt.id)
        self._start(prompt)

    def cancel(self) -> None:
        """Stop: the reply ends with what was said; a prompt that still waits for the model is taken back."""
        if self.busy:
            self._cancelled.set()

    async def wait(self) -> None:
        """Return when the chat is idle."""
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Stop, and return when the chat is idle."""
        self.cancel()
        await self.wait()

    def _check_idle(self) -> None:
        if self.busy:
            raise InvalidRequest("a reply is still being written; wait for it or cancel it first")

    def _start(self, prompt: Message) -> None:
        self._state = "loading"
        self._cancelled = asyncio.Event()
        self._task = asyncio.create_task(self._work(prompt, self._cancelled))

    async def _work(self, prompt: Message, cancelled: asyncio.Event) -> None:
        try:
            engine = await self._engine(cancelled)
        except MistralTuiError as error:
            self._end(ChatFailed(error))
            return
        except Exception as error:
            _log.exception("the model could not be loaded")
            self._end(ChatFailed(EngineError(f"loading failed unexpectedly: {type(error).__name__}: {error}")))
            return
        if engine is None:
            self._take_back(prompt)
            return
        self._state = "answering"
        self.conversation.session = msgspec.structs.replace(self.conversation.session, model=engine.model.name)
        ended = TurnEnded("cancelled")
        async for event in run_turn(self.conversation, engine, self.sampling, cancelled):
            if isinstance(event, TurnEnded):
                ended = event
            else:
                self._emit(event)
        self._end(ended)

    async def _engine(self, cancelled: asyncio.Event) -> Engine | None:
        """Return the engine, or `None` when the person cancels first."""
        load = asyncio.ensure_future(self._get_engine(self._emit))
        stop = asyncio.ensure_future(cancelled.wait())
        try:
            await asyncio.wait({load, stop}, return_when=asyncio.FIRST_COMPLETED)
            return None if cancelled.is_set() else load.result()
        finally:
            load.cancel()
            stop.cancel()
            await asyncio.gather(load, stop, return_exceptions=True)

    def _take_back(self, prompt: Message) -> None:
        if self.conversation.children(prompt.id):
            # A retry: the prompt has a reply already and stays.
            self.conversation.select(self.conversation.latest_leaf(prompt.id))
            self._end(TurnEnded("cancelled"))
            return
        self.conversation.remove(prompt.id)
        files = tuple(part for part in prompt.parts if isinstance(part, FilePart))
        self._end(PromptReturned(prompt.id, prompt.text, files))

    def _end(self, event: ChatEvent) -> None:
        """Become idle, then say so: a listener may send the next prompt at once."""
        self._state = "idle"
        self._emit(event)

    def _emit(self, event: ChatEvent) -> None:
        if isinstance(event, SavingChanged):
            self.unsaved = event.unsaved
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                _log.exception("a listener failed on %s", type(event).__name__)


def _valid_unicode(text: str) -> str:
    """Replace what cannot be encoded, such as the surrogates of a command line that is not valid UTF-8."""
    return text.encode("utf-8", "replace").decode()
