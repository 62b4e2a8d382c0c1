"""What is done with the messages of the chat in a pane: with the chosen one, else with the last that fits."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from textual.message import Message as PostedMessage
from textual.widget import Widget

from mistral_tui.chat import branching
from mistral_tui.chat.code_blocks import code_blocks
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.prompt_files import PromptFile
from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.chat.status import StatusLine
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.types.events import TokenChance
from mistral_tui.types.messages import Attachment, Message, Role

Change = Callable[[], str | None]
"""Changes the tree of a chat, and returns the message to choose then; `None`: the end is shown."""


class Box(Protocol):
    """The prompt with what goes along."""

    def put_back(self, text: str, files: Sequence[Attachment] | Sequence[PromptFile]) -> None:
        """Put a text, and what goes along with it, into the box."""

    def take_files(self) -> tuple[PromptFile, ...]:
        """Return what goes along, which is then gone."""


class Models(Protocol):
    """Where a model is chosen."""

    def choose_then(self, then: Callable[[], Awaitable[object]]) -> None:
        """Ask for a model, and go on when one is chosen."""


class Pane(Protocol):
    """Where the chat is shown."""

    chat: LiveChat

    @property
    def model(self) -> Models:
        """The model of the chat."""

    @property
    def transcript(self) -> Transcript:
        """The messages."""

    @property
    def prompt(self) -> PromptInput:
        """The prompt."""

    @property
    def box(self) -> Box:
        """The prompt with what goes along."""

    @property
    def status(self) -> StatusLine:
        """The line of figures."""

    @property
    def copy(self) -> Callable[[str], Awaitable[None]]:
        """Copies a text."""

    @property
    def change(self) -> Callable[[Change], Awaitable[bool]]:
        """Changes the tree, shows what became of it, and returns whether it could be done."""


@dataclass(frozen=True)
class _Edit:
    """A message that is being edited in the prompt."""

    message: Message
    draft: str
    """What was in the prompt before."""
    draft_files: tuple[PromptFile, ...]
    """What was to go along with that."""


class MessageActions(Widget):
    """Draws nothing. It belongs to a pane, and does what is asked of the messages there."""

    DEFAULT_CSS = "MessageActions { display: none; }"

    @dataclass
    class Forked(PostedMessage):
        """There is another chat, to be shown."""

        chat: LiveChat

    @dataclass
    class Editing(PostedMessage):
        """A message is being edited, or no longer."""

        what: str
        """The role of its author, in a word; empty: no longer."""

    def __init__(self, pane: Pane, workspace: Workspace) -> None:
        super().__init__()
        self._pane = pane
        self._workspace = workspace
        self._edit: _Edit | None = None
        self._deletions: dict[str, list[branching.Deletion]] = {}
        """What can be undone, by the chat."""

    @property
    def _chat(self) -> LiveChat:
        return self._pane.chat

    # Editing

    def action_edit(self) -> None:
        """Put a message into the prompt; sending it makes a branch."""
        message = self._wanted("user")
        if message is None:
            self._hint("there is nothing to edit yet")
        elif message.role not in ("user", "assistant"):
            self._hint("only prompts and replies can be edited")
        elif self._chat.busy:
            self._hint("a reply is being written: esc stops it, then the chat can be edited")
        else:
            draft = self._pane.prompt.full_text, self._pane.box.take_files()
            if self._edit is not None:
                draft = self._edit.draft, self._edit.draft_files
            self._edit = _Edit(message, *draft)
            self._pane.prompt.text = ""
            self._pane.box.put_back(message.text, [part for part in message.parts if isinstance(part, Attachment)])
            self._pane.prompt.focus()
            self.post_message(self.Editing("prompt" if message.role == "user" else "reply"))

    def stop_editing(self) -> bool:
        """Leave a message as it is, and put back what was in the prompt; returns whether one was being edited."""
        if self._edit is None:
            return False
        edit = self._edit
        self._pane.prompt.text = ""
        self._pane.box.take_files()
        self._end_edit()
        self._pane.box.put_back(edit.draft, edit.draft_files)
        return True

    def forget_edit(self) -> None:
        """The prompt shows something else now."""
        if self._edit is not None:
            self._end_edit()

    @property
    def edited_prompt(self) -> Message | None:
        """The prompt whose place the next one takes."""
        return self._edit.message if self._edit is not None and self._edit.message.role == "user" else None

    def edit_sent(self) -> None:
        """The edited message was sent: what was in the prompt before is there again."""
        if self._edit is not None:
            edit = self._edit
            self._end_edit()
            if edit.draft or edit.draft_files:
                self._pane.box.put_back(edit.draft, edit.draft_files)

    async def reword(self, text: str) -> bool:
        """If a reply is being edited, put the reworded one beside it; returns whether one was."""
        if self._edit is None or self._edit.message.role != "assistant":
            return False
        chat, message_id = self._chat, self._edit.message.id
        if await self._pane.change(lambda: branching.reword_reply(chat, message_id, text).id):
            self.edit_sent()
        else:
            self._pane.prompt.refuse(text)
        return True

    def _end_edit(self) -> None:
        self._edit = None
        self.post_message(self.Editing(""))

    # Branches

    async def action_answer_again(self) -> None:
        """Answer a prompt again, or write a reply again."""
        chat, message = self._chat, self._wanted()
        await self._pane.change(lambda: chat.retry(message.id if message else None))

    def action_answer_with(self) -> None:
        """Choose another model, and let it answer; it answers the chat from then on."""
        chat, message = self._chat, self._wanted()
        if message is None:
            self._hint("there is nothing to answer yet")
        elif chat.busy:
            self._hint("a reply is being written: esc stops it")
        else:
            self._pane.model.choose_then(lambda: self._pane.change(lambda: chat.retry(message.id)))

    async def action_go_on(self) -> None:
        """Let a reply go on where it ends."""
        chat, message = self._chat, self._wanted("assistant")
        if message is None:
            self._hint("there is no reply yet that could go on")
        else:
            await self._pane.change(lambda: chat.go_on(message.id))

    def action_fork(self) -> None:
        """Begin a chat that has said the same up to here."""
        if message := self._wanted():
            self.post_message(self.Forked(self._workspace.fork(self._chat, message.id)))
        else:
            self._hint("there is nothing to fork yet")

    async def action_branch_before(self) -> None:
        """Show the branch before this one."""
        await self._select(-1)

    async def action_branch_after(self) -> None:
        """Show the branch after this one."""
        await self._select(1)

    async def action_delete(self) -> None:
        """Hide a message and what follows it."""
        chat, message = self._chat, self._wanted()
        if message is None:
            self._hint("there is nothing to delete")
            return
        deleted = self._deletions.setdefault(chat.conversation.session.id, [])
        parent_id = chat.conversation.parent_id(message.id)

        def change() -> str | None:
            place = [each.id for each in chat.conversation.path()].index(message.id)
            deleted.append(branching.delete_message(chat, message.id))
            path = chat.conversation.path()
            return path[place].id if place < len(path) else parent_id

        if await self._pane.change(change):
            count = len(deleted[-1].hidden)
            self.app.notify(f"{count} message{'s' if count > 1 else ''} deleted · u or /restore brings back", timeout=6)

    async def action_undo_delete(self) -> None:
        """Show again what was deleted last."""
        chat = self._chat
        deleted = self._deletions.get(chat.conversation.session.id)
        if not deleted:
            self._hint("nothing was deleted here since the program began")
            return

        def change() -> str | None:
            branching.undo_deletion(chat, deleted[-1])
            return deleted.pop().hidden[0]

        await self._pane.change(change)

    async def _select(self, step: int) -> None:
        chat, message = self._chat, self._wanted()
        if message is None:
            return
        siblings = chat.conversation.siblings(message.id)
        at = next((place for place, each in enumerate(siblings) if each.id == message.id), 0) + step
        if len(siblings) < 2:
            self._hint("it has no other branch; e edits it, r answers again")
        elif 0 <= at < len(siblings):
            chosen = siblings[at].id

            def change() -> str:
                branching.select_branch(chat, chosen)
                return chosen

            await self._pane.change(change)

    # Copying and looking

    async def action_copy_message(self) -> None:
        """Copy a message as Markdown."""
        message = self._wanted("assistant")
        if message is not None and message.text:
            await self._pane.copy(message.text)
        else:
            self._hint("there is no text to copy")

    async def action_copy_code(self, number: int) -> None:
        """Copy a code block."""
        message = self._wanted("assistant")
        blocks = code_blocks(message) if message else []
        if number <= len(blocks):
            await self._pane.copy(blocks[number - 1].code)
        else:
            self._hint(f"there is no code block {number} in it" if blocks else "there is no code in it")

    def action_save_code(self) -> None:
        """Ask where to save a code block."""
        from mistral_tui.tui.chat.save_code import SaveCode

        message = self._wanted("assistant")
        blocks = code_blocks(message) if message else []
        if blocks:
            self.app.push_screen(SaveCode(blocks), self._saved)
        else:
            self._hint("there is no code in it")

    def action_source(self) -> None:
        """Show the source of a message, or the message."""
        if message := self._wanted("assistant"):
            look = self._pane.transcript.look_of(message.id)
            self._pane.transcript.set_look(message.id, replace(look, raw=not look.raw))

    def action_fold(self) -> None:
        """Fold a message, or unfold it; a prompt that is too long to be shown opens first."""
        if message := self._wanted():
            self._pane.transcript.fold(message.id)

    def action_open_thoughts(self) -> None:
        """Open or fold what a model thought."""
        message = self._wanted("assistant")
        if message is not None and message.reasoning:
            self._pane.transcript.open_thoughts(message.id)
        else:
            self._hint("nothing was thought here")

    def _saved(self, path: Path | None) -> None:
        if path is not None:
            self.app.notify(f"saved as {path}")

    # Tokens

    def action_tokens(self) -> None:
        """Point at the tokens of a reply."""
        message = self._wanted("assistant")
        scored = self._chat.scores.of(message.id) if message else None
        if message is None or scored is None:
            watched = self._chat.request.sampling.logprobs
            self._hint(
                "its tokens are not known: r writes it again, with them"
                if watched
                else "its tokens are not known: alt+t watches them from the next reply on"
            )
            return
        self.show_tokens(message.id)
        self._panel.show(message.id, scored)

    def show_tokens(self, message_id: str) -> None:
        """Show a reply as its tokens, if they are known."""
        scored = self._chat.scores.of(message_id)
        look = self._pane.transcript.look_of(message_id)
        if scored is not None:
            self._pane.transcript.set_look(message_id, replace(look, tokens=scored))

    def watch_tokens(self) -> bool:
        """Watch the tokens of this chat and show those that are known, or no longer; returns which."""
        chat, transcript = self._chat, self._pane.transcript
        watched = not chat.request.sampling.logprobs
        branching.watch_tokens(chat, watched)
        for message in transcript.messages:
            if watched:
                self.show_tokens(message.id)
            elif transcript.look_of(message.id).tokens is not None:
                look = transcript.look_of(message.id)
                transcript.set_look(message.id, replace(look, tokens=None, token=None))
        if not watched:
            self._panel.close()
        return watched

    def reply_finished(self, message_id: str) -> None:
        """Show a reply as its tokens if they are watched."""
        if self._chat.request.sampling.logprobs:
            self.show_tokens(message_id)

    def token_moved(self, message_id: str, token: int | None) -> None:
        """Show which token is pointed at; with none, the reply is shown as it was before."""
        transcript = self._pane.transcript
        look = transcript.look_of(message_id)
        if token is None:
            tokens = look.tokens if self._chat.request.sampling.logprobs else None
            transcript.set_look(message_id, replace(look, tokens=tokens, token=None))
        else:
            transcript.set_look(message_id, replace(look, token=token))
            transcript.show_token(message_id, token)

    async def go_on_from(self, message_id: str, token: int, instead: TokenChance) -> None:
        """Let a reply go on from an alternative."""
        chat = self._chat
        branching_is_possible = await self._pane.change(
            lambda: branching.continue_from(chat, message_id, token, instead)
        )
        if branching_is_possible:
            self._panel.close()
            self._pane.prompt.focus()

    @property
    def _panel(self) -> TokenPanel:
        assert self.parent is not None
        return self.parent.query_one(TokenPanel)

    # Within

    def _wanted(self, role: Role | None = None) -> Message | None:
        """Return the chosen message, else the last one, of this role if one is given."""
        transcript = self._pane.transcript
        if transcript.chosen is not None:
            return transcript.chosen
        path = self._chat.conversation.path()
        return next((message for message in reversed(path) if role in (None, message.role)), None)

    def _hint(self, text: str) -> None:
        self._pane.status.hint(text)
