"""What is done with the messages of the chat in a pane: with the chosen one, else with the last that fits."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message as PostedMessage
from textual.widget import Widget

from mistral_tui.chat import branching
from mistral_tui.chat.code_blocks import code_blocks
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.types.messages import Message, Role, ToolCallPart

if TYPE_CHECKING:
    from mistral_tui.tui.chat.pane import ChatPane


class MessageActions(Widget):
    """Draws nothing. It belongs to a pane, and does what is asked of the messages there."""

    DEFAULT_CSS = "MessageActions { display: none; }"

    @dataclass
    class Forked(PostedMessage):
        """There is another chat, to be shown."""

        chat: LiveChat

    def __init__(self, pane: "ChatPane", workspace: Workspace) -> None:
        super().__init__()
        self._pane = pane
        self._workspace = workspace
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
            self._pane.editing.begin(message)

    # Branches

    async def action_answer_again(self) -> None:
        """Answer a prompt again, or write a reply again."""
        chat, message = self._chat, self._wanted()
        await self._pane.view.change(lambda: chat.retry(message.id if message else None))

    def action_answer_with(self) -> None:
        """Choose another model, and let it answer; it answers the chat from then on."""
        chat, message = self._chat, self._wanted()
        if message is None:
            self._hint("there is nothing to answer yet")
        elif chat.busy:
            self._hint("a reply is being written: esc stops it")
        else:
            self._pane.model.choose_then(lambda: self._pane.view.change(lambda: chat.retry(message.id)))

    async def action_go_on(self) -> None:
        """Let a reply go on where it ends."""
        chat, message = self._chat, self._wanted("assistant")
        if message is None:
            self._hint("there is no reply yet that could go on")
        else:
            await self._pane.view.change(lambda: chat.go_on(message.id))

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

        if await self._pane.view.change(change):
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

        await self._pane.view.change(change)

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

            await self._pane.view.change(change)

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
        """Open or fold what a model thought, and its calls."""
        message = self._wanted("assistant")
        calls = sum(isinstance(part, ToolCallPart) for part in message.parts) if message else 0
        if message is None or not (message.reasoning or calls):
            self._hint("nothing was thought or called here")
            return
        if message.reasoning:
            self._pane.transcript.open_thoughts(message.id)
        if calls:
            self._pane.transcript.open_calls(message.id, frozenset(range(calls)))

    def action_open_call(self, index: int) -> None:
        """Open or fold one call, from 0."""
        if message := self._wanted("assistant"):
            self._pane.transcript.open_calls(message.id, frozenset({index}))

    def _saved(self, path: Path | None) -> None:
        if path is not None:
            self.app.notify(f"saved as {path.absolute()}")

    # Tokens

    def action_tokens(self) -> None:
        """Point at the tokens of a reply."""
        self._pane.tokens.point(self._wanted("assistant"))

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
