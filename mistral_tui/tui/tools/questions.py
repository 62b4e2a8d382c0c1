"""Puts to the person the calls that wait for them, and what servers ask: one after the other."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from textual import events
from textual.message import Message
from textual.widget import Widget

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.server_questions import ServerQuestion, ServerQuestions
from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.tools.words import call_name
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.questions import Dismissed
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import Decision, ToolRun

if TYPE_CHECKING:
    from pathlib import Path

    from mistral_tui.chat.file_changes import FileChange
    from mistral_tui.tui.tools.resting import RestingDialog

_PATIENCE: Final = 1.0
"""Seconds that a file is waited for which a call would change."""


class Questions(Widget):
    """Draws nothing. It belongs to the main screen, and opens a dialog while nothing else is over that.

    What a server asks comes first, since a call waits for it, and also over a dialog that makes such a call.

    Args:
        workspace: Whose chats may ask.
        pane: Returns the pane in use.
    """

    DEFAULT_CSS = "Questions { display: none; }"

    @dataclass
    class Changed(Message):
        """Another question waits, or one waits no more."""

    def __init__(self, workspace: Workspace, pane: Callable[[], ChatPane]) -> None:
        super().__init__()
        self._workspace = workspace
        self._pane = pane
        self._servers = ServerQuestions(self._heard)
        self._dialog: RestingDialog[Any] | None = None
        self._asking: object | None = None
        """What is being asked: a call, by its id, or a question of a server."""
        self._told: set[object] = set()
        """What waits behind another screen, and of which the person was told."""

    def on_mount(self) -> None:
        """Listen."""
        self._workspace.on_question = self._heard
        self._workspace.servers.person = self._servers

    def _heard(self) -> None:
        self.post_message(self.Changed())

    def on_questions_changed(self, event: Changed) -> None:
        """Ask what is to be asked."""
        event.stop()
        self.look()

    def look(self) -> None:
        """Ask the first question, if there is one and the person has nothing else before them."""
        calls, asked = list(self._calls()), self._servers.waiting
        if self._asking is not None:
            if self._asking not in (*asked, *(run.id for _, run in calls)):
                if self._dialog is not None:
                    self._dialog.dismiss(None)  # it was stopped, or withdrawn
            elif self._dialog is not None and self._dialog.is_mounted:
                self._dialog.show_waiting(len(calls) + len(asked) - 1)
        elif asked:
            self._put_question(asked[0], len(calls) + len(asked) - 1)
        elif calls:
            self._put_call(*calls[0], len(calls) - 1)

    def _put_question(self, asked: ServerQuestion, more: int) -> None:
        top = self.app.screen
        if not self.screen.is_active and not (isinstance(top, Dialog) and top.TAKES_QUESTIONS):
            self._tell(asked, f"{printable_line(asked.server)} asks you something")
            return
        self._asking = asked
        self.run_worker(self._ask_for_server(asked, more), group="questions")

    def _put_call(self, chat: LiveChat, run: ToolRun, more: int) -> None:
        if not self.screen.is_active:
            self._tell(run.id, f"{call_name(run)} waits for your answer")
            return
        self._asking = run.id
        self.run_worker(self._ask(chat, run, more), group="questions")

    async def _ask_for_server(self, asked: ServerQuestion, more: int) -> None:
        from mistral_tui.tui.tools.server_question import ServerQuestionDialog

        self._dialog = dialog = ServerQuestionDialog(asked, more, self._typed)
        try:
            reply = await self.app.push_screen_wait(dialog)
        finally:
            self._dialog = self._asking = None
        self._servers.reply(asked, reply or Dismissed())
        self.post_message(self.Changed())

    async def _ask(self, chat: LiveChat, run: ToolRun, more: int) -> None:
        from mistral_tui.tui.tools.approval import DENIED, ApprovalDialog, Question

        title = chat.conversation.session.title or "a chat"
        change = await _change(run, self._workspace.servers.folder_of(run.server))
        before = await chat.tools.changed(run)
        now = next(
            (tool.definition for tool in chat.tools.all if (tool.server, tool.tool) == (run.server, run.tool)), None
        )
        definitions = (before, now) if before is not None and now is not None else None
        shown = "" if chat is self._pane().chat else title
        self._dialog = dialog = ApprovalDialog(Question(run, shown, more, change, definitions), self._typed)
        try:
            decision = await self.app.push_screen_wait(dialog)
        finally:
            self._dialog = self._asking = None
        with contextlib.suppress(InvalidRequest):  # it was stopped meanwhile
            chat.tools.answer(run.id, decision or Decision(False, "once", DENIED))
        self.post_message(self.Changed())

    def _typed(self, event: events.Key | events.Paste) -> None:
        self._pane().prompt.post_message(event)

    def _tell(self, asked: object, words: str) -> None:
        if asked not in self._told:
            self._told.add(asked)
            self.app.notify(f"{words}; it is asked when this is closed")

    def _calls(self) -> Iterator[tuple[LiveChat, ToolRun]]:
        in_use = self._pane().chat
        for chat in sorted(self._workspace.asking, key=lambda chat: chat is not in_use):
            for run in chat.tools.asked:
                yield chat, run


async def _change(run: ToolRun, folder: "Path") -> "FileChange | None":
    from mistral_tui.chat.file_changes import file_change

    try:
        async with asyncio.timeout(_PATIENCE):
            return await asyncio.to_thread(file_change, run, folder)
    except TimeoutError:
        return None
