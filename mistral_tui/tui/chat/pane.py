"""One chat on screen: what was said, the prompt, and a line of figures.

The pane listens to a living chat. The chat's events become messages of this widget, so that only handlers touch
what is shown; a chat goes on answering when another one is shown in its place.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message as PostedMessage
from textual.widgets import Static
from textual.worker import Worker

from mistral_tui.chat.branching import select_branch
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
from mistral_tui.chat.prompt_files import PromptFile
from mistral_tui.config.paths import Paths
from mistral_tui.tui.actions import slash_hint
from mistral_tui.tui.chat.message_actions import MessageActions
from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.chat.status import StatusLine
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.tui.chat.turn_figures import TurnFigures
from mistral_tui.tui.chat.welcome import ModelState, Welcome
from mistral_tui.tui.clipboard import copy_text
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.models.chat_model import ChatModel
from mistral_tui.tui.panes.grip import PaneHead
from mistral_tui.tui.prompt.box import PromptBox
from mistral_tui.tui.prompt.draft import PromptDraft
from mistral_tui.tui.prompt.gathering import gathered
from mistral_tui.tui.prompt.sources import PromptSources
from mistral_tui.tui.settings.chat_parameters import ChatParameters
from mistral_tui.types.choices import ContextPolicy
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
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
    TurnEnded,
)
from mistral_tui.types.messages import Attachment, Message, ToolCallPart
from mistral_tui.types.models import LoadProgress
from mistral_tui.types.text import printable_line

_POLICIES: Final[dict[ContextPolicy, str]] = {
    "drop": "the oldest turns are left out",
    "shift": "the oldest tokens are given up",
    "stop": "the chat stops",
}
_COMMAND: Final = re.compile(r"([/\\])([A-Za-z]+)(\s.*)?", re.DOTALL)
"""What is typed as a command; what begins with a space is none."""


class ChatPane(Vertical):
    """Shows one chat and takes its prompts."""

    @dataclass
    class Heard(PostedMessage):
        """The chat said something."""

        subscription: int
        event: ChatEvent

    @dataclass
    class StateChanged(PostedMessage):
        """The chat began or ended a turn, or failed."""

        pane: "ChatPane"

    @dataclass
    class CommandGiven(PostedMessage):
        """The person typed a command instead of a prompt."""

        pane: "ChatPane"
        name: str
        marker: str
        """`/` or `\\`."""
        words: str = ""
        """What follows the name."""

    @dataclass
    class Sent(PostedMessage):
        """The person sent a prompt, and it is being answered."""

        pane: "ChatPane"
        text: str
        files: tuple[PromptFile, ...] = ()

    def __init__(self, chat: LiveChat, environment: Environment) -> None:
        super().__init__()
        self.chat = chat
        self.model: Final = ChatModel(environment, chat)
        """What is done with the model of the chat."""
        self.parameters = ChatParameters(environment, lambda: self.chat, self._hint_after)
        """What is done with its parameters."""
        self.box = PromptBox(environment, chat)
        """The prompt, and what goes along with it."""
        self.messages = MessageActions(self, environment.workspace)
        """What is done with the messages of the chat."""
        self.sources = PromptSources(environment, lambda: self.prompt, self._hint_after)
        """Where else prompts come from."""
        self.failed = False
        """Whether the last turn failed."""
        self._unsubscribe: Callable[[], None] = lambda: None
        self._subscription = 0
        """Which subscription counts: what an earlier one has posted is in the conversation already."""
        self._showing = asyncio.Lock()
        """Held while messages are being mounted: events wait until they are."""
        self._figures = TurnFigures(lambda: self.status, lambda: self.chat)
        self._said_something = False
        self._draft = PromptDraft(environment.workspace.drafts, lambda: self.prompt)
        self._preparing: Worker[None] | None = None
        """What is done with the files of a prompt before it is sent."""

    def compose(self) -> ComposeResult:
        """Lay out the pane."""
        yield self.model
        yield self.parameters
        yield self.messages
        yield self.sources
        yield PaneHead()
        yield Welcome()
        yield Transcript()
        yield TokenPanel()
        yield Static(classes="failure", markup=False)
        yield self.box
        yield StatusLine()

    async def on_mount(self) -> None:
        """Show the first chat."""
        await self.show_chat(self.chat)

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()
        self._draft.close(self.chat)

    @property
    def prompt(self) -> PromptInput:
        """The prompt."""
        return self.query_one(PromptInput)

    @property
    def transcript(self) -> Transcript:
        """The transcript."""
        return self.query_one(Transcript)

    @property
    def status(self) -> StatusLine:
        """The line of figures."""
        return self.query_one(StatusLine)

    @property
    def last_reply(self) -> str:
        """The text of the last reply that says something; empty if there is none."""
        replies = (message.text for message in reversed(self.chat.conversation.path()) if message.role == "assistant")
        return next((text for text in replies if text.strip()), "")

    async def show_chat(self, chat: LiveChat) -> None:
        """Show another chat; the one that was shown goes on in the background."""
        async with self._showing:
            self._unsubscribe()
            if chat is not self.chat:
                self.messages.forget_edit()
                self._draft.leave(self.chat)
            self.query_one(TokenPanel).close()
            self.chat = chat
            self._subscription += 1
            subscription = self._subscription
            self._unsubscribe = chat.subscribe(lambda event: self._hear(subscription, event))
            # No event may come between subscribing and looking at the conversation: there is no waiting here.
            path = chat.conversation.path()
            self.failed = False
            self._set_failure("")
            self.query_one(Welcome).show_private(chat.conversation.session.private)
            self._show_empty(not path)
            writing = chat.state == "answering" and bool(path) and path[-1].role == "assistant"
            await self.transcript.show(path[:-1] if writing else path, self._branches_of)
            if writing:
                await self._begin(path[-1])
                self._said_something = bool(path[-1].text.strip()) or any(
                    isinstance(part, ToolCallPart) for part in path[-1].parts
                )
            self.prompt.set_history([message.text for message in path if message.role == "user"])
            self._figures.show_chat(path)
            self.model.show(chat)
            self.box.show_chat(chat)
            self._take_back_waiting()
        self.run_worker(self._draft.show(chat, lambda: chat is self.chat), group="draft", exclusive=True)

    async def show_message(self, message_id: str) -> None:
        """Go to a message and mark it; if it is of another branch, show that one."""
        conversation = self.chat.conversation
        if message_id not in conversation:
            return
        if message_id not in [message.id for message in conversation.path()]:
            try:
                select_branch(self.chat, message_id)
            except InvalidRequest as error:
                self.status.hint(str(error))
                return
            await self.show_chat(self.chat)
        async with self._showing:
            await self.transcript.show_message(message_id)

    def show_model(self, state: ModelState, context_size: int | None = None) -> None:
        """Say how the model is doing."""
        if bool(state.error) != self.failed:
            self.failed = bool(state.error)
            self.post_message(self.StateChanged(self))
        self.query_one(Welcome).show(state)
        self.box.show_model(senses=state.senses is not False)
        self._figures.show_model(state, context_size)

    # Actions

    async def action_retry(self) -> None:
        """Answer the last prompt again; without one, load the model again."""
        if not len(self.chat.conversation):
            self.model.try_again()
            return
        if await self.change(self.chat.retry):
            prompt = next(message for message in reversed(self.chat.conversation.path()) if message.role == "user")
            if self.prompt.full_text == prompt.text:
                self.prompt.text = ""
                self.box.take_files()

    async def action_copy_reply(self) -> None:
        """Copy the last reply as Markdown."""
        if text := self.last_reply:
            await self.copy(text)
        else:
            self.status.hint("there is no reply to copy yet")

    def action_thoughts(self) -> None:
        """Show what models thought in full, or fold it."""
        opened = self.transcript.toggle_thoughts()
        self.status.hint("thoughts: open" if opened else "thoughts: folded")

    def action_thinking(self) -> None:
        """Switch whether the model thinks first, for models that can be told, and say how it is now."""
        chosen = self.chat.next_thinking()
        told = {None: "as the model likes", True: "on", False: "off"}[chosen]
        self.status.hint(f"thinking: {told} (for models that can be told)")

    def action_context_policy(self) -> None:
        """Let this chat do something else from its next turn on when the context is full, and say what."""
        policy = self.chat.next_context_policy()
        self.status.hint(f"when the context is full ({policy}): {_POLICIES[policy]}")

    def action_messages(self) -> None:
        """Go to the messages."""
        if self.transcript.messages:
            self.transcript.focus()
        else:
            self.status.hint("there are no messages yet")

    def action_watch_tokens(self) -> None:
        """Show how likely each token of the replies is, or no longer."""
        if self.messages.watch_tokens():
            self.status.hint("tokens: watched from the next reply on; t points at those of a message")
        else:
            self.status.hint("tokens: no longer watched")

    async def change(self, change: Callable[[], str | None] | Callable[[], None]) -> bool:
        """Change the tree of the chat, show what became of it, and return whether it could be done.

        Args:
            change: Does it, and returns the message to choose then; `None`: the end is shown.
        """
        async with self._showing:
            try:
                chosen = change()
            except InvalidRequest as error:
                self.status.hint(str(error))
                return False
            path = self.chat.conversation.path()
            self._show_empty(not path)
            if self.chat.busy:
                self._turn_begins()
            if chosen is None:
                await self.transcript.show(path, self._branches_of)
            else:
                await self.transcript.show_branch(path, chosen)
            self.prompt.set_history([message.text for message in path if message.role == "user"])
        return True

    def action_read_up(self) -> None:
        """Scroll the chat a page up."""
        self.transcript.scroll_page_up(animate=False)

    def action_read_down(self) -> None:
        """Scroll the chat a page down."""
        self.transcript.scroll_page_down(animate=False)

    async def action_read_start(self) -> None:
        """Go to the first message."""
        await self.transcript.show_start()

    async def action_read_end(self) -> None:
        """Go to the end and follow it."""
        await self.transcript.show_end()

    # Prompts

    def action_attach(self, path: str = "") -> None:
        """Let a file go along with the prompt; without a path, ask for one."""
        if path:
            self.box.attach_typed(path)
        else:
            self.prompt.focus()
            self.prompt.insert("@")

    def action_preview(self) -> None:
        """Look at the last file that goes along."""
        self.box.preview()

    def action_detach(self) -> None:
        """Take the last file away."""
        self.box.remove_file()

    async def copy(self, text: str) -> None:
        """Copy a text, and say whether that was possible."""
        said = await copy_text(text, self.app.copy_to_clipboard)
        self.app.notify(said, timeout=3)

    @on(PromptInput.Submitted)
    async def _submitted(self, event: PromptInput.Submitted) -> None:
        event.stop()
        if command := _COMMAND.fullmatch(event.text.rstrip()):
            self.post_message(self.CommandGiven(self, command[2].lower(), command[1], (command[3] or "").strip()))
            return
        if await self.messages.reword(event.text):
            return
        files = self.box.take_files()
        if await self.send(event.text, files):
            self.post_message(self.Sent(self, event.text, files))

    async def send(self, text: str, files: tuple[PromptFile, ...] = ()) -> bool:
        """Send a prompt with what goes along, and return whether that is done or under way.

        While a reply is being written, it waits for the end of that.

        Pictures and recordings that it names by their path go along, unless the model takes none.
        """
        if files:
            # Its documents may have to be searched, which takes its time.
            self._preparing = self.run_worker(self._prepare(text, files), exit_on_error=False)
            return True
        return await self._send(text, files)

    async def _prepare(self, text: str, files: tuple[PromptFile, ...]) -> None:
        self._figures.show_preparing("reading documents")
        try:
            await self._send(text, files)
        except asyncio.CancelledError:
            self.box.put_back(text, files)
            raise
        finally:
            self._preparing = None
            self._figures.show_state()

    async def _send(self, text: str, files: tuple[PromptFile, ...]) -> bool:
        gathered = await self.gather(text, files)
        if gathered is None:
            return False
        words, attached = gathered
        if (edited := self.messages.edited_prompt) is not None:
            return await self._send_instead(text, files, lambda: self.chat.send(words, attached, instead_of=edited.id))
        waits = self.chat.busy
        try:
            self.chat.send_later(words, attached)
        except InvalidRequest as error:
            self.refuse(text, str(error), files)
            return False
        if not waits:
            self._turn_begins()
        return True

    async def gather(self, text: str, files: tuple[PromptFile, ...]) -> tuple[str, tuple[Attachment, ...]] | None:
        """Return the words of a prompt and all that goes along; `None`: it was put back, and the person knows why."""
        keep = None if self.chat.conversation.session.private else Paths.resolve().attachments
        try:
            return await gathered(self.app, text, files, self.box.files, keep, media=self._figures.senses)
        except MistralTuiError as error:
            self.refuse(text, str(error), files)
            return None

    @property
    def busy(self) -> bool:
        """Whether there is something to stop."""
        return self.chat.busy or self._preparing is not None

    def stop(self) -> None:
        """Stop the reply, or what is done before it."""
        if self._preparing is not None:
            self._preparing.cancel()
        self.chat.cancel()

    def _take_back_waiting(self) -> None:
        """Put the prompts that wait for nothing any more back into the box."""
        if not self.chat.busy:
            for text, files in reversed(self.chat.take_back_queued()):
                self.box.put_back(text, files)

    async def _send_instead(self, text: str, files: tuple[PromptFile, ...], send: Callable[[], None]) -> bool:
        """Send an edited prompt, and return whether it is sent."""
        if not await self.change(send):
            self.prompt.refuse(text)
            self.box.put_back("", files)
            return False
        self.messages.edit_sent()
        return True

    def refuse(self, text: str, reason: str, files: tuple[PromptFile, ...] = ()) -> None:
        """Give a prompt back, and say why."""
        self.prompt.refuse(text)
        if files:
            self.box.files.put_back(files)
            self.box.show_files()
        self.call_after_refresh(self.status.hint, reason)

    def _hint_after(self, text: str) -> None:
        """Say something that stays although the prompt has just been emptied."""
        self.call_after_refresh(self.status.hint, text)

    @on(MessageActions.Editing)
    def _editing(self, event: MessageActions.Editing) -> None:
        event.stop()
        self.box.show_editing(event.what)

    @on(TokenPanel.Moved)
    def _token_moved(self, event: TokenPanel.Moved) -> None:
        event.stop()
        self.messages.token_moved(event.message_id, event.token)

    @on(TokenPanel.Left)
    def _tokens_left(self, event: TokenPanel.Left) -> None:
        event.stop()
        self.transcript.focus()

    @on(TokenPanel.Taken)
    async def _token_taken(self, event: TokenPanel.Taken) -> None:
        event.stop()
        await self.messages.go_on_from(event.message_id, event.token, event.instead)

    @on(events.DescendantFocus)
    def _focus_moved(self, event: events.DescendantFocus) -> None:
        if event.widget is self.prompt:
            self.query_one(TokenPanel).close()
            self.transcript.leave()

    @on(ChatModel.StateChanged)
    def _model_changed(self, event: ChatModel.StateChanged) -> None:
        event.stop()
        self.show_model(event.state, event.context_size)

    @on(ChatModel.Fetching)
    def _fetching(self, event: ChatModel.Fetching) -> None:
        event.stop()
        self._figures.show_fetching(event.words)

    @on(ChatParameters.ModelWanted)
    async def _model_wanted(self, event: ChatParameters.ModelWanted) -> None:
        event.stop()
        await self.model.action_models(event.name)

    @on(ChatModel.Hint)
    def _model_hint(self, event: ChatModel.Hint) -> None:
        event.stop()
        self.status.hint(event.text)

    @on(PromptInput.Declined)
    def _declined(self, event: PromptInput.Declined) -> None:
        event.stop()
        self.notify(event.reason, severity="warning")

    @on(PromptBox.Hint)
    def _box_hint(self, event: PromptBox.Hint) -> None:
        event.stop()
        self.status.hint(event.text)

    @on(PromptInput.QueueWanted)
    def _queue_wanted(self, event: PromptInput.QueueWanted) -> None:
        event.stop()
        for text, files in reversed(self.chat.take_back_queued()):
            self.box.put_back(text, files)

    @on(PromptInput.Changed)
    def _changed(self, event: PromptInput.Changed) -> None:
        event.stop()
        self.status.hint(slash_hint(self.prompt.text) if " " in self.prompt.text else "")
        self._draft.keep()

    @on(Transcript.EndInView)
    def _end_in_view(self, event: Transcript.EndInView) -> None:
        event.stop()
        self.box.show_end(event.in_view)

    @on(Heard)
    async def _heard(self, heard: Heard) -> None:
        heard.stop()
        async with self._showing:
            if heard.subscription == self._subscription:
                await self._take(heard.event)

    async def _take(self, event: ChatEvent) -> None:
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                self._written(event)
            case LoadProgress(_, fraction):
                self._figures.show_state(f"loading {fraction:.0%}")
            case PromptProgress(done, total):
                self._figures.read(done, total)
            case ReplyStarted(message):
                self._said_something = bool(message.parts)
                if not self.transcript.writes(message.id):
                    await self._begin(message)
                self._figures.show_state()
            case ContextTrimmed(left_out):
                self.transcript.note(f"context full: the oldest {left_out} messages are left out")
            case ContextShifted(tokens):
                self.transcript.note(f"context full: the oldest {tokens:,} tokens are given up")
            case MessageCommitted(message):
                await self._committed(message)
            case Finished(_, usage, _):
                self._figures.finish(usage)
            case TurnEnded(reason, _):
                self._turn_ended(failed=reason == "failed", empty=not self._said_something)
                await self._show_what_became()
            case PromptReturned(message_id, text, files):
                await self.transcript.take_back(message_id)
                self._show_empty(not self.transcript.messages)
                self.box.put_back(text, files)
                self._turn_ended(failed=False, empty=False)
                await self._show_what_became()
            case ChatFailed(error):
                self._set_failure(str(error))
                self._turn_ended(failed=True, empty=True)
                await self._show_what_became()
                self.model.prompt_failed(error)
            case ChoiceEvent():
                self._said_something = True
            case LearnedFromOthers():
                path = self.chat.conversation.path()
                self._show_empty(not path)
                await self.transcript.catch_up(path)
            case SavingChanged(unsaved):
                self._saving_changed(unsaved)
            case QueueChanged(waiting, sent):
                self.box.show_waiting(waiting)
                if sent:
                    self._turn_begins()

    def _hear(self, subscription: int, event: ChatEvent) -> None:
        self.post_message(self.Heard(subscription, event))

    def _holds(self, message: Message) -> bool:
        messages = self.transcript.messages
        return bool(messages) and messages[-1].id == message.id

    async def _committed(self, message: Message) -> None:
        if message.role == "assistant":
            self.transcript.finish(message)
            self.messages.reply_finished(message.id)
        elif not self._holds(message):
            self._show_empty(False)
            await self.transcript.add(message)

    async def _begin(self, reply: Message) -> None:
        conversation = self.chat.conversation
        await self.transcript.begin(reply, lambda: conversation[reply.id])

    def _branches_of(self, message_id: str) -> tuple[int, int]:
        """Return which of its siblings a message is, and how many there are."""
        conversation = self.chat.conversation
        siblings = conversation.siblings(message_id) if message_id in conversation else ()
        return next((place for place, each in enumerate(siblings, 1) if each.id == message_id), 1), len(siblings) or 1

    async def _show_what_became(self) -> None:
        """A turn that came to nothing leaves another branch than the one that was shown."""
        path = self.chat.conversation.path()
        if not self.chat.busy and [each.id for each in path] != [each.id for each in self.transcript.messages]:
            self._show_empty(not path)
            await self.transcript.show(path, self._branches_of)

    def _written(self, delta: Delta) -> None:
        """More of the reply has come."""
        if isinstance(delta, TextDelta):
            self._said_something = self._said_something or bool(delta.text.strip())
        elif isinstance(delta, ToolCallDelta):
            self._said_something = True
        self.transcript.write(delta)
        self._figures.wrote(delta)

    def _turn_begins(self) -> None:
        self.failed = False
        self._said_something = False
        self._set_failure("")
        self._figures.begin()
        self.app.clear_notifications()
        self.post_message(self.StateChanged(self))

    def _turn_ended(self, *, failed: bool, empty: bool) -> None:
        self.failed = failed
        if empty and not self.prompt.text.strip():
            prompts = [message for message in self.chat.conversation.path() if message.role == "user"]
            if prompts:
                files = [part for part in prompts[-1].parts if isinstance(part, Attachment)]
                self.box.put_back(prompts[-1].text, files)
        self._take_back_waiting()
        self._figures.show_state()
        self.post_message(self.StateChanged(self))

    def _saving_changed(self, unsaved: str | None) -> None:
        self._figures.show_unsaved(unsaved)
        if unsaved is not None:
            self.notify(f"not saved, kept in memory: {unsaved}", severity="warning")

    def _show_empty(self, empty: bool) -> None:
        self.query_one(Welcome).display = empty
        self.transcript.display = not empty

    def _set_failure(self, text: str) -> None:
        failure = self.query_one(".failure", Static)
        failure.display = bool(text)
        failure.update(f"✗ {printable_line(text)}\n  ctrl+r tries again" if text else "")
