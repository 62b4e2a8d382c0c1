"""What a pane shows of its chat: the messages, or a welcome where there are none yet, and what becomes of a turn."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.widgets import Static

from mistral_tui.chat.branching import select_branch
from mistral_tui.chat.call_record import spoken
from mistral_tui.chat.events import (
    ChatEvent,
    ChatFailed,
    ChoiceEvent,
    LearnedFromOthers,
    PromptReturned,
    QueueChanged,
    SavingChanged,
)
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.chat.welcome import Welcome
from mistral_tui.tui.tools.call_rows import CallState
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import (
    ContextShifted,
    ContextTrimmed,
    Delta,
    Finished,
    MessageCommitted,
    PromptProgress,
    ReasoningDelta,
    ReplyStarted,
    TextDelta,
    ToolCallDelta,
    ToolChanged,
    ToolProgressed,
    TurnEnded,
)
from mistral_tui.types.messages import Attachment, Message, ToolCallPart
from mistral_tui.types.models import LoadProgress
from mistral_tui.types.text import printable_line

PROGRESS_INTERVAL = 0.1
"""Seconds between two looks at how far calls have come."""

if TYPE_CHECKING:
    from mistral_tui.tui.chat.pane import ChatPane


class ChatView:
    """Listens to one chat at a time.

    Args:
        pane: Where it is shown.
        post: Called with each event and the number of its subscription; hands both to `take` when the pane has time.
    """

    def __init__(self, pane: "ChatPane", post: Callable[[int, ChatEvent], None]) -> None:
        self._pane = pane
        self._post = post
        self._unsubscribe: Callable[[], None] = lambda: None
        self._subscription = 0
        """Which subscription counts: what an earlier one has posted is in the conversation already."""
        self.mounting = asyncio.Lock()
        """Held while messages are being mounted: events wait until they are."""
        self._said_something = False
        self._progress_is_due = False

    def close(self) -> None:
        """Listen no longer."""
        self._unsubscribe()

    async def show(self, chat: LiveChat) -> tuple[Message, ...]:
        """Show another chat while `mounting` is held, and return its active branch.

        The chat that was shown goes on in the background.
        """
        self._unsubscribe()
        self._subscription += 1
        subscription = self._subscription
        self._progress_is_due = False
        self._unsubscribe = chat.subscribe(lambda event: self._hear(subscription, event))
        # No event may come between subscribing and looking at the conversation: there is no waiting here.
        path = chat.conversation.path()
        self._show_failure("")
        self._pane.query_one(Welcome).show_private(chat.conversation.session.private)
        self._show_empty(not path)
        writing = chat.state == "answering" and bool(path) and path[-1].role == "assistant"
        await self._pane.transcript.show(path[:-1] if writing else path, self._branches_of, self._calls_of)
        if writing:
            await self._begin(path[-1])
            self._said_something = bool(path[-1].text.strip()) or any(
                isinstance(part, ToolCallPart) for part in path[-1].parts
            )
        return path

    async def show_message(self, message_id: str) -> None:
        """Go to a message and mark it; if it is of another branch, show that one."""
        chat = self._pane.chat
        if message_id not in chat.conversation:
            return
        if message_id not in [message.id for message in chat.conversation.path()]:
            try:
                select_branch(chat, message_id)
            except InvalidRequest as error:
                self._pane.status.hint(str(error))
                return
            await self._pane.show_chat(chat)
        async with self.mounting:
            await self._pane.transcript.show_message(message_id)

    async def change(self, change: Callable[[], str | None] | Callable[[], None]) -> bool:
        """Change the tree of the chat, show what became of it, and return whether it could be done.

        Args:
            change: Does it, and returns the message to choose then; `None`: the end is shown.
        """
        pane = self._pane
        async with self.mounting:
            try:
                chosen = change()
            except InvalidRequest as error:
                pane.status.hint(str(error))
                return False
            path = pane.chat.conversation.path()
            self._show_empty(not path)
            if pane.chat.busy:
                self.turn_begins()
            if chosen is None:
                await pane.transcript.show(path, self._branches_of, self._calls_of)
            else:
                await pane.transcript.show_branch(path, chosen)
            pane.set_history(path)
        return True

    async def take(self, subscription: int, event: ChatEvent) -> None:
        """Show what the chat has said, if it is the one that is shown."""
        async with self.mounting:
            if subscription == self._subscription:
                await self._take(event)

    def turn_begins(self) -> None:
        """A prompt is being worked on."""
        self._said_something = False
        self._show_failure("")
        self._pane.turn_begins()

    async def _take(self, event: ChatEvent) -> None:
        pane = self._pane
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                self._written(event)
            case LoadProgress(_, fraction):
                pane.figures.show_state(f"loading {fraction:.0%}")
            case PromptProgress(done, total):
                pane.figures.read(done, total)
            case ReplyStarted(message):
                self._said_something = bool(message.parts)
                if not pane.transcript.writes(message.id):
                    await self._begin(message)
                pane.figures.show_state()
            case ContextTrimmed(left_out):
                pane.transcript.note(f"context full: the oldest {left_out} messages are left out")
            case ContextShifted(tokens):
                pane.transcript.note(f"context full: the oldest {tokens:,} tokens are given up")
            case MessageCommitted(message):
                await self._committed(message)
            case ToolChanged(run):
                pane.transcript.show_calls(run.message_id)
                pane.figures.show_state("asks you" if run.state == "asked" else "calling")
            case ToolProgressed():
                self._pane.set_timer(PROGRESS_INTERVAL, self._show_progress)
            case Finished(_, usage, _):
                pane.figures.finish(usage)
            case TurnEnded(reason, _):
                self._turn_ended(failed=reason == "failed", empty=not self._said_something)
                await self._show_what_became()
            case PromptReturned(message_id, text, files):
                await pane.transcript.take_back(message_id)
                self._show_empty(not pane.transcript.messages)
                pane.box.put_back(text, files)
                self._turn_ended(failed=False, empty=False)
                await self._show_what_became()
            case ChatFailed(error):
                self._show_failure(str(error))
                self._turn_ended(failed=True, empty=True)
                await self._show_what_became()
                pane.model.prompt_failed(error, pane.action_retry)
            case ChoiceEvent():
                self._said_something = True
            case LearnedFromOthers(deleted):
                path = pane.chat.conversation.path()
                self._show_empty(not path)
                await pane.transcript.catch_up(path)
                if deleted:
                    title = printable_line(pane.chat.conversation.session.title)
                    pane.notify(
                        f"“{title}” was deleted by another program; what you say next here brings it back",
                        severity="warning",
                    )
            case SavingChanged(unsaved):
                pane.figures.show_unsaved(unsaved)
                if unsaved is not None:
                    pane.notify(f"not saved, kept in memory: {unsaved}", severity="warning")
            case QueueChanged(waiting, sent):
                pane.box.show_waiting(waiting)
                if sent:
                    self.turn_begins()

    async def _committed(self, message: Message) -> None:
        messages = self._pane.transcript.messages
        if message.role == "assistant":
            self._pane.transcript.finish(message)
            self._pane.tokens.reply_finished(message.id)
        elif (
            message.role == "tool"
            and messages
            and message.id not in {each.id for each in spoken([messages[-1], message])}
        ):
            self._pane.transcript.show_calls(messages[-1].id)
        elif not messages or messages[-1].id != message.id:
            self._show_empty(False)
            await self._pane.transcript.add(message)

    async def _begin(self, reply: Message) -> None:
        conversation = self._pane.chat.conversation
        await self._pane.transcript.begin(reply, lambda: conversation[reply.id])

    def _calls_of(self, message: Message) -> dict[str, CallState]:
        """Return what became of the calls of a message."""
        calls = self._pane.chat.calls
        return {call_id: CallState(run, calls.progress(run)) for call_id, run in calls.of(message).items()}

    def _hear(self, subscription: int, event: ChatEvent) -> None:
        """Let the pane take an event when it has time; a tool may report progress thousands of times a second."""
        if isinstance(event, ToolProgressed):
            if self._progress_is_due:
                return  # the latest is shown in a moment
            self._progress_is_due = True
        self._post(subscription, event)

    def _show_progress(self) -> None:
        self._progress_is_due = False
        messages = self._pane.transcript.messages
        if messages:
            self._pane.transcript.show_calls(messages[-1].id)

    def _branches_of(self, message_id: str) -> tuple[int, int]:
        """Return which of its siblings a message is, and how many there are."""
        conversation = self._pane.chat.conversation
        siblings = conversation.siblings(message_id) if message_id in conversation else ()
        return next((place for place, each in enumerate(siblings, 1) if each.id == message_id), 1), len(siblings) or 1

    async def _show_what_became(self) -> None:
        """A turn that came to nothing leaves another branch than the one that was shown."""
        chat, transcript = self._pane.chat, self._pane.transcript
        path = chat.conversation.path()
        if not chat.busy and [each.id for each in spoken(path)] != [each.id for each in transcript.messages]:
            self._show_empty(not path)
            await transcript.show(path, self._branches_of, self._calls_of)

    def _written(self, delta: Delta) -> None:
        """More of the reply has come."""
        if isinstance(delta, TextDelta):
            self._said_something = self._said_something or bool(delta.text.strip())
        elif isinstance(delta, ToolCallDelta):
            self._said_something = True
        self._pane.transcript.write(delta)
        self._pane.figures.wrote(delta)

    def _turn_ended(self, *, failed: bool, empty: bool) -> None:
        pane = self._pane
        if empty and not pane.prompt.text.strip():
            prompts = [message for message in pane.chat.conversation.path() if message.role == "user"]
            if prompts:
                files = [part for part in prompts[-1].parts if isinstance(part, Attachment)]
                pane.box.put_back(prompts[-1].text, files)
        pane.turn_ended(failed=failed)

    def _show_empty(self, empty: bool) -> None:
        self._pane.query_one(Welcome).display = empty
        self._pane.transcript.display = not empty

    def _show_failure(self, text: str) -> None:
        failure = self._pane.query_one(".failure", Static)
        failure.display = bool(text)
        failure.update(f"✗ {printable_line(text)}\n  ctrl+r tries again · alt+l lists the models" if text else "")
