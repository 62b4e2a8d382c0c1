"""The answers to one prompt side by side, one of which is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid
from textual.message import Message
from textual.widgets import Static

from mistral_tui.chat.compare import Comparison, Contestant
from mistral_tui.chat.events import ChatEvent, ChatFailed, ChoiceEvent, PromptReturned
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.compare.answer import Answer
from mistral_tui.tui.dialog import AnsweredScreen
from mistral_tui.types.text import printable_line

_LEAST_WIDTH: Final = 36
"""Columns that an answer needs to be readable."""


class CompareScreen(AnsweredScreen[bool], inherit_bindings=False):
    """Shows a comparison while it goes on; closes with whether there are answers.

    Args:
        chat: Whose prompt is answered.
        contestants: Who answers.
        prompt: What was asked.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("compare")

    @dataclass
    class Heard(Message):
        """The chat said something."""

        event: ChatEvent

    def __init__(self, chat: LiveChat, contestants: Sequence[Contestant], prompt: str) -> None:
        super().__init__()
        self._chat = chat
        self._answers = [Answer(contestant, chat.conversation) for contestant in contestants]
        self._prompt = prompt
        self._current = 0
        self._leaving = False
        self.kept: str | None = None
        """The message that the chat is to go on with; `None`: the first answer."""

    def compose(self) -> ComposeResult:
        """Lay out the prompt, the answers and the keys."""
        yield Static(printable_line(self._prompt), id="compare-prompt", markup=False)
        with Grid(id="compare-answers"):
            yield from self._answers
        yield Static(id="compare-keys", markup=False)

    def on_mount(self) -> None:
        """Listen, and mark the first answer."""
        self._unsubscribe = self._chat.subscribe(self._hear)
        self._mark()

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def on_resize(self) -> None:
        """Put as many beside one another as can be read."""
        fitting = max(1, self.size.width // _LEAST_WIDTH)
        count = len(self._answers)
        rows = -(-count // fitting)
        self.query_one("#compare-answers", Grid).styles.grid_size_columns = -(-count // rows)

    def show_plan(self, comparison: Comparison) -> None:
        """Say who answers alone, and why."""
        for number, answer in enumerate(self._answers):
            answer.show_plan(comparison.alone(number), comparison.apart[number])

    # Actions

    def action_turn(self, step: int) -> None:
        """Go to the next answer, or the one before."""
        self._current = (self._current + step) % len(self._answers)
        self._mark()

    def action_scroll(self, rows: int) -> None:
        """Scroll the answer."""
        self._answers[self._current].transcript.scroll_relative(y=rows, animate=False)

    async def action_keep(self) -> None:
        """Go on with this answer; what is still being written is stopped."""
        reply_id = self._answers[self._current].reply_id
        if reply_id is None or self._leaving:
            return
        self._leaving = True
        self._chat.cancel()
        await self._chat.wait()
        self.kept = reply_id
        self.dismiss(True)

    def action_leave(self) -> None:
        """Stop what is being written; when nothing is, close."""
        if self._chat.busy:
            self._chat.cancel()
        elif not self._leaving:
            self._leaving = True
            self.dismiss(True)

    # Messages

    def _hear(self, event: ChatEvent) -> None:
        self.post_message(self.Heard(event))

    @on(Heard)
    async def _heard(self, heard: Heard) -> None:
        heard.stop()
        match heard.event:
            case ChoiceEvent(number, event):
                await self._answers[number].hear(event)
            case ChatFailed() | PromptReturned() if not self._leaving:
                # The pane shows why, and has the prompt.
                self._leaving = True
                self.dismiss(False)
        self._show_keys()

    def on_click(self, event: events.Click) -> None:
        """Go to the answer under the mouse."""
        for number, answer in enumerate(self._answers):
            if answer.region.contains(event.screen_x, event.screen_y):
                self._current = number
                self._mark()

    def _mark(self) -> None:
        for number, answer in enumerate(self._answers):
            answer.set_class(number == self._current, "-current")
        self._show_keys()

    def _show_keys(self) -> None:
        leave = "esc stop" if self._chat.busy else "esc keep the first"
        self.query_one("#compare-keys", Static).update(f"← → answer   enter keep this one   ↑ ↓ scroll   {leave}")
