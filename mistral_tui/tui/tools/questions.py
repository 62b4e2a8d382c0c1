"""Puts the calls that wait for the person to them, one after the other, wherever they come from."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import events
from textual.message import Message
from textual.widget import Widget

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.tools.words import call_name
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.tools import Decision, ToolRun

if TYPE_CHECKING:
    from pathlib import Path

    from mistral_tui.chat.file_changes import FileChange
    from mistral_tui.tui.tools.approval import ApprovalDialog

_PATIENCE: Final = 1.0
"""Seconds that a file is waited for which a call would change."""


class Questions(Widget):
    """Draws nothing. It belongs to the main screen, and opens a dialog while nothing else is over that.

    Args:
        workspace: Whose chats may ask.
        pane: Returns the pane in use.
    """

    DEFAULT_CSS = "Questions { display: none; }"

    @dataclass
    class Changed(Message):
        """Another call waits, or one waits no more."""

    def __init__(self, workspace: Workspace, pane: Callable[[], ChatPane]) -> None:
        super().__init__()
        self._workspace = workspace
        self._pane = pane
        self._dialog: ApprovalDialog | None = None
        self._asking: ToolRun | None = None
        self._told: set[str] = set()
        """Calls that wait behind another screen, and of which the person was told."""

    def on_mount(self) -> None:
        """Listen."""
        self._workspace.on_question = self._heard

    def _heard(self) -> None:
        self.post_message(self.Changed())

    def on_questions_changed(self, event: Changed) -> None:
        """Ask what is to be asked."""
        event.stop()
        self.look()

    def look(self) -> None:
        """Ask the first question, if there is one and the person has nothing else before them."""
        waiting = list(self._waiting())
        if self._asking is not None:
            if self._asking.id not in [run.id for _, run in waiting]:
                if self._dialog is not None:
                    self._dialog.dismiss(None)  # it was stopped
            elif self._dialog is not None and self._dialog.is_mounted:
                self._dialog.show_waiting(len(waiting) - 1)
        elif waiting:
            chat, run = waiting[0]
            if not self.screen.is_active:
                self._tell(run)
                return
            self._asking = run
            self.run_worker(self._ask(chat, run, len(waiting) - 1), group="questions")

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
        self._dialog = ApprovalDialog(Question(run, shown, more, change, definitions), self._typed)
        try:
            decision = await self.app.push_screen_wait(self._dialog)
        finally:
            self._dialog = self._asking = None
        with contextlib.suppress(InvalidRequest):  # it was stopped meanwhile
            chat.tools.answer(run.id, decision or Decision(False, "once", DENIED))
        self.post_message(self.Changed())

    def _typed(self, event: events.Key | events.Paste) -> None:
        self._pane().prompt.post_message(event)

    def _tell(self, run: ToolRun) -> None:
        if run.id not in self._told:
            self._told.add(run.id)
            self.app.notify(f"{call_name(run)} waits for your answer; it is asked when this is closed")

    def _waiting(self) -> Iterator[tuple[LiveChat, ToolRun]]:
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
