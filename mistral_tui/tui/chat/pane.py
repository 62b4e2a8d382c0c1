"""One chat on screen: what was said, the prompt, and a line of figures.

The pane listens to a living chat. The chat's events become messages of this widget, so that only handlers touch
what is shown; a chat goes on answering when another one is shown in its place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message as PostedMessage
from textual.widgets import Static

from mistral_tui.chat.events import ChatEvent
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.tui.actions import slash_hint
from mistral_tui.tui.chat.editing import Editing
from mistral_tui.tui.chat.message_actions import MessageActions
from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.chat.sending import Sending
from mistral_tui.tui.chat.status import StatusLine
from mistral_tui.tui.chat.token_view import TokenView
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.tui.chat.turn_figures import TurnFigures
from mistral_tui.tui.chat.view import ChatView
from mistral_tui.tui.chat.welcome import ModelState, Welcome
from mistral_tui.tui.clipboard import copy_text
from mistral_tui.tui.context_menu import MenuWanted
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.models.chat_model import ChatModel
from mistral_tui.tui.panes.grip import PaneHead
from mistral_tui.tui.prompt.box import PromptBox
from mistral_tui.tui.prompt.draft import PromptDraft
from mistral_tui.tui.prompt.sources import PromptSources
from mistral_tui.tui.settings.chat_parameters import ChatParameters
from mistral_tui.types.messages import Message

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
        """The chat began or ended a turn, or failed, or has another model."""

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
        self.parameters = ChatParameters(environment, lambda: self.chat, self.hint_after)
        """What is done with its parameters."""
        self.box = PromptBox(environment, chat)
        """The prompt, and what goes along with it."""
        self.messages = MessageActions(self, environment.workspace)
        """What is done with the messages of the chat."""
        self.sources = PromptSources(environment, lambda: self.prompt, self.hint_after)
        """Where else prompts come from."""
        self.failed = False
        """Whether the last turn failed."""
        self.editing = Editing(self)
        """What is being edited in the prompt."""
        self.sending = Sending(self)
        """How prompts are sent."""
        self.tokens = TokenView(self)
        """The tokens of its replies."""
        self.view = ChatView(self, self._hear)
        """What is shown of the chat."""
        self.figures = TurnFigures(lambda: self.status, lambda: self.chat)
        """What the line of figures says."""
        self._draft = PromptDraft(environment.workspace.drafts, self.box)

    def compose(self) -> ComposeResult:
        """Lay out the pane."""
        yield self.model
        yield self.parameters
        yield self.messages
        yield self.sources
        yield PaneHead()
        yield Welcome()
        yield Transcript()
        yield self.tokens
        yield Static(classes="failure", markup=False)
        yield self.box
        yield StatusLine()

    async def on_mount(self) -> None:
        """Show the first chat."""
        await self.show_chat(self.chat)

    def on_mouse_down(self) -> None:
        """The pane that is clicked is the one in use, also where nothing in it takes the focus."""
        if not self.has_focus_within:
            self.prompt.focus()

    def on_click(self, event: events.Click) -> None:
        """List what can be done with the pane, or the prompt, if that is wanted."""
        on_prompt = event.widget is not None and self.box in event.widget.ancestors_with_self
        if wanted := MenuWanted.by(event, "prompt" if on_prompt else "pane"):
            self.post_message(wanted)

    def on_unmount(self) -> None:
        """Stop listening."""
        self.view.close()
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
        async with self.view.mounting:
            if chat is not self.chat:
                self.editing.forget()
                self._draft.leave(self.chat)
            self.tokens.close()
            self.chat = chat
            self.failed = False
            path = await self.view.show(chat)
            self.set_history(path)
            self.figures.show_chat(path)
            self.model.show(chat)
            self.box.show_chat(chat)
            self._take_back_waiting()
        self.run_worker(self._draft.show(chat, lambda: chat is self.chat), group="draft", exclusive=True)

    def show_model(self, state: ModelState, context_size: int | None = None) -> None:
        """Say how the model is doing."""
        if bool(state.error) != self.failed or state.name != self.status.figures.model:
            self.failed = bool(state.error)
            self.post_message(self.StateChanged(self))
        self.query_one(Welcome).show(state)
        self.box.show_model(senses=state.senses is not False)
        self.figures.show_model(state, context_size)

    # Actions

    async def action_retry(self) -> None:
        """Answer the last prompt again; without one, load the model again."""
        if not len(self.chat.conversation):
            self.model.try_again()
            return
        if await self.view.change(self.chat.retry):
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

    def action_messages(self) -> None:
        """Go to the messages."""
        if self.transcript.messages:
            self.transcript.focus()
        else:
            self.status.hint("there are no messages yet")

    def action_watch_tokens(self) -> None:
        """Show how likely each token of the replies is, or no longer."""
        self.tokens.switch()

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
        if await self.editing.reword(event.text):
            return
        files = self.box.take_files()
        if await self.sending.send(event.text, files):
            self.post_message(self.Sent(self, event.text, files))

    @property
    def busy(self) -> bool:
        """Whether there is something to stop."""
        return self.chat.busy or self.sending.busy

    def stop(self) -> None:
        """Stop the reply, or what is done before it."""
        self.sending.stop()
        self.chat.cancel()

    def set_history(self, path: Sequence[Message]) -> None:
        """Let the arrows lead to the prompts of a branch."""
        self.prompt.set_history([message.text for message in path if message.role == "user"])

    def turn_begins(self) -> None:
        """A prompt of the chat is being worked on."""
        self.failed = False
        self.figures.begin()
        self.app.clear_notifications()
        self.post_message(self.StateChanged(self))

    def turn_ended(self, *, failed: bool) -> None:
        """The chat is idle, or has begun with the next prompt that waited."""
        self.failed = failed
        self._take_back_waiting()
        self.figures.show_state()
        self.post_message(self.StateChanged(self))

    def hint_after(self, text: str) -> None:
        """Say something that stays although the prompt has just been emptied."""
        self.call_after_refresh(self.status.hint, text)

    def _hear(self, subscription: int, event: ChatEvent) -> None:
        self.post_message(self.Heard(subscription, event))

    def _take_back_waiting(self) -> None:
        """Put the prompts that wait for nothing any more back into the box."""
        if not self.chat.busy:
            self.sending.take_back_waiting()

    @on(events.DescendantFocus)
    def _focus_moved(self, event: events.DescendantFocus) -> None:
        if event.widget is self.prompt:
            self.tokens.close()
            self.transcript.leave()

    @on(ChatModel.StateChanged)
    def _model_changed(self, event: ChatModel.StateChanged) -> None:
        event.stop()
        self.show_model(event.state, event.context_size)

    @on(ChatModel.Fetching)
    def _fetching(self, event: ChatModel.Fetching) -> None:
        event.stop()
        self.figures.show_fetching(event.words)

    @on(ChatParameters.ModelWanted)
    async def _model_wanted(self, event: ChatParameters.ModelWanted) -> None:
        event.stop()
        await self.model.action_models(event.name)

    @on(PromptInput.Declined)
    def _declined(self, event: PromptInput.Declined) -> None:
        event.stop()
        self.notify(event.reason, severity="warning")

    @on(ChatModel.Hint)
    @on(PromptBox.Hint)
    def _hinted(self, event: ChatModel.Hint | PromptBox.Hint) -> None:
        event.stop()
        self.status.hint(event.text)

    @on(PromptInput.QueueWanted)
    def _queue_wanted(self, event: PromptInput.QueueWanted) -> None:
        event.stop()
        self.sending.take_back_waiting()

    @on(PromptInput.Changed)
    def _changed(self, event: PromptInput.Changed) -> None:
        event.stop()
        self.status.remark(slash_hint(self.prompt.text))
        self._draft.keep()

    @on(Transcript.CursorMoved)
    def _cursor_moved(self, event: Transcript.CursorMoved) -> None:
        event.stop()
        self.status.hint("")  # it was about the message before

    @on(PromptBox.FilesChanged)
    def _files_changed(self, event: PromptBox.FilesChanged) -> None:
        event.stop()
        self._draft.keep()

    @on(Transcript.EndInView)
    def _end_in_view(self, event: Transcript.EndInView) -> None:
        event.stop()
        self.box.show_end(event.in_view)

    @on(Heard)
    async def _heard(self, heard: Heard) -> None:
        heard.stop()
        await self.view.take(heard.subscription, heard.event)
