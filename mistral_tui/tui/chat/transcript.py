"""The messages of a chat: those that are read, the one that the cursor is on, and the one that is being written."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message

from mistral_tui.chat.call_record import spoken
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.chat.flush_gate import FlushGate
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.chat.message_look import USUAL, Look
from mistral_tui.tui.chat.message_window import STEP, MessageWindow
from mistral_tui.tui.chat.reply_stream import ReplyStream
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.tui.tools.call_rows import CallState
from mistral_tui.types.events import Delta, TextDelta
from mistral_tui.types.messages import Message as ChatMessage

Branches = Callable[[str], tuple[int, int]]
"""Which of its siblings a message is, from 1, and how many there are."""
Calls = Callable[[ChatMessage], Mapping[str, CallState]]
"""What became of the calls of a message, by their ids."""


class Transcript(MessageWindow, inherit_bindings=False):
    """Shows a chat: its messages as the person wants to see them, with a cursor, and a reply as it grows."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("transcript", "message")

    @dataclass
    class CursorMoved(Message):
        """Another message is chosen, or none."""

        transcript: "Transcript"

        @property
        def control(self) -> "Transcript":
            """The transcript that sent this message."""
            return self.transcript

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stream: ReplyStream | None = None
        """The last message while it is being written."""
        self._opened = False
        """Whether what models thought is shown in full."""
        self._looks: dict[str, Look] = {}
        """How messages are shown that are not shown as usual, mounted or not."""
        self._chosen: str | None = None
        """The message that the cursor is on."""
        self._branches: Branches = lambda message_id: (1, 1)
        self._calls: Calls = lambda message: {}
        self._gate = FlushGate()
        self._flush_is_due = False
        self.flushes = 0
        """How often a growing reply was drawn."""

    @property
    def chosen(self) -> ChatMessage | None:
        """The message that the cursor is on."""
        return next((message for message in self._messages if message.id == self._chosen), None)

    def look_of(self, message_id: str) -> Look:
        """Return how a message is shown."""
        number, siblings = self._branches(message_id)
        look = self._looks.get(message_id, USUAL)
        return replace(look, chosen=message_id == self._chosen, number=number, siblings=siblings)

    def set_look(self, message_id: str, look: Look) -> None:
        """Show a message in another way."""
        self._looks[message_id] = look
        self._refresh_look(message_id)

    async def show(
        self, messages: Sequence[ChatMessage], branches: Branches | None = None, calls: Calls | None = None
    ) -> None:
        """Show another chat, at its end.

        Args:
            messages: The branch to show.
            branches: Returns which of its siblings a message is, from 1, and how many there are.
            calls: Returns what became of the calls of a message.
        """
        self._messages = spoken(messages)
        self._calls = calls or (lambda message: {})
        self._branches = branches or (lambda message_id: (1, 1))
        self._stream = None
        self._chosen = None
        known = {message.id for message in self._messages}
        self._looks = {message_id: look for message_id, look in self._looks.items() if message_id in known}
        await self._mount_end()
        self._follow()

    async def show_branch(self, messages: Sequence[ChatMessage], message_id: str) -> None:
        """Show another branch of the chat, with a message chosen, where the chosen one was."""
        row = self._row_of_chosen()
        self._messages = spoken(messages)
        self._stream = None
        index = self._index_of(message_id)
        if index < 0:  # results are shown with the reply that called
            index = len(self._messages) - 1
        self._chosen = self._messages[index].id
        first = max(0, index - STEP)
        await self._mount_window(first, min(len(self._messages), first + 2 * STEP))
        self._let_go()
        self.call_after_refresh(self._bring_into_view, index, 0, row)

    async def choose(self, index: int, direction: int = 0) -> None:
        """Put the cursor on a message, and bring it into view.

        Args:
            index: Which one, from 0.
            direction: Where the cursor comes from: below 0 from below, above from above.
        """
        if not 0 <= index < len(self._messages):
            return
        await self._reach(index)
        before, self._chosen = self._chosen, self._messages[index].id
        for message_id in filter(None, (before, self._chosen)):
            self._refresh_look(message_id)
        self._let_go()
        self.call_after_refresh(self._bring_into_view, index, direction)
        self.post_message(self.CursorMoved(self))

    def fold(self, message_id: str) -> None:
        """Fold a message, or unfold it; a prompt that is too long to be shown opens first."""
        look = self.look_of(message_id)
        view = self._view_of(self._index_of(message_id))
        if view is not None and view.is_cut and not look.opened:
            self.set_look(message_id, replace(look, opened=True))
        else:
            self.set_look(message_id, replace(look, folded=not look.folded))

    def open_thoughts(self, message_id: str) -> None:
        """Open or fold what a model thought."""
        look = self.look_of(message_id)
        opened = self._opened if look.opened is None else look.opened
        self.set_look(message_id, replace(look, opened=not opened))

    def show_calls(self, message_id: str) -> None:
        """Show what became of the calls of a message."""
        if view := self._view_of(self._index_of(message_id)):
            view.show_calls(self._calls(view.message))

    def open_calls(self, message_id: str, calls: frozenset[int]) -> None:
        """Unfold calls of a message, or fold them if they are unfolded."""
        look = self.look_of(message_id)
        unfolded = look.calls - calls if calls <= look.calls else look.calls | calls
        self.set_look(message_id, replace(look, calls=unfolded))

    def show_token(self, message_id: str, token: int) -> None:
        """Bring a token into view."""
        if (view := self._view_of(self._index_of(message_id))) is not None:
            self.call_after_refresh(self._bring_row_into_view, view, token)

    def leave(self) -> None:
        """Take the cursor away."""
        before, self._chosen = self._chosen, None
        if before is not None:
            self._refresh_look(before)
            self.post_message(self.CursorMoved(self))

    async def action_message_up(self) -> None:
        """Move the cursor up; through a long message page by page."""
        await self._move(-1)

    async def action_message_down(self) -> None:
        """Move the cursor down; through a long message page by page."""
        await self._move(1)

    async def action_first_message(self) -> None:
        """Put the cursor on the first message."""
        await self.choose(0, 1)

    async def action_last_message(self) -> None:
        """Put the cursor on the last message."""
        await self.choose(len(self._messages) - 1, -1)

    async def on_focus(self) -> None:
        """The cursor is on the last message when the person comes here."""
        if self._chosen is None:
            await self.choose(self._last_in_view(), -1)

    def on_blur(self) -> None:
        """The cursor goes when the person goes elsewhere, but not to the tokens of its message."""
        focused = self.screen.focused
        if focused is not None and focused is not self and not isinstance(focused, TokenPanel):
            self.leave()

    @on(MessageView.Clicked)
    async def _clicked(self, event: MessageView.Clicked) -> None:
        event.stop()
        message = event.view.message
        if event.toggles:
            self.open_thoughts(message.id)
        await self.choose(self._index_of(message.id))
        if event.call:
            await self.run_action(f"screen.do('message', {event.call!r})")
        if event.menu is not None:
            self.post_message(event.menu)

    async def add(self, message: ChatMessage) -> None:
        """Append a message and go to the end."""
        self._messages.append(message)
        await self.show_end()

    async def begin(self, message: ChatMessage, latest: Callable[[], ChatMessage]) -> None:
        """Append a reply that is about to be written.

        Args:
            message: What there is of it so far.
            latest: Returns what there is of it now.
        """
        with self.app.batch_update():
            # A reply that goes on takes its own place.
            await self.take_back(message.id)
            self._stream = ReplyStream(message, latest)
            await self.add(message)

    def writes(self, message_id: str) -> bool:
        """Whether this message is being written here."""
        return self._stream is not None and bool(self._messages) and self._messages[-1].id == message_id

    def toggle_thoughts(self) -> bool:
        """Show what models thought in full, or fold it; returns which."""
        self._opened = not self._opened
        self._looks = {id: replace(look, opened=None) for id, look in self._looks.items()}
        for view in self.query_children(MessageView):
            view.open(self._opened)
            view.show_as(self.look_of(view.message.id))
        return self._opened

    def write(self, delta: Delta) -> None:
        """More of the reply that is being written; it is drawn at the next flush."""
        if self._stream is None:
            return
        self._stream.feed(delta)
        if isinstance(delta, TextDelta) and "\n" not in delta.text and self.app.has_class("-screen-reader"):
            return  # what is listened to is drawn line by line
        if not self._flush_is_due:
            self._flush_is_due = True
            self._flush_in_turn()

    def note(self, text: str) -> None:
        """Say something above the reply that is being written."""
        if view := self._view_of_last():
            view.say_first(text)

    def finish(self, message: ChatMessage) -> None:
        """The message that was being written is complete."""
        self._stream = None
        if self._messages and self._messages[-1].id == message.id:
            self._messages[-1] = message
            if view := self._view_of_last():
                view.finish(message)

    async def take_back(self, message_id: str) -> None:
        """Remove the last message, if it is this one."""
        if self._messages and self._messages[-1].id == message_id:
            view = self._view_of_last()
            self._messages.pop()
            if view is not None:
                self._last -= 1
                await view.remove()

    async def catch_up(self, messages: Sequence[ChatMessage]) -> None:
        """Show what has become of the chat elsewhere; whoever reads further up goes on reading there."""
        messages = spoken(messages)
        shown = self._messages
        same = [message.id for message in messages[: len(shown)]] == [message.id for message in shown]
        if not same or any(new != old for new, old in zip(messages[: len(shown) - 1], shown, strict=False)):
            await self.show(messages, self._branches, self._calls)
            return
        if shown and messages[len(shown) - 1] != shown[-1]:
            self.finish(messages[len(shown) - 1])
        for view in self.query_children(MessageView):
            self._refresh_look(view.message.id)  # it may have a branch beside it now
        at_end = self.at_end
        shown.extend(messages[len(shown) :])
        if at_end:
            await self.show_end()

    async def show_message(self, message_id: str) -> None:
        """Go to a message and mark it until another one is shown."""
        index = next((index for index, message in enumerate(self._messages) if message.id == message_id), None)
        if index is None:
            return
        self._following = False
        self.release_anchor()
        if not self._first <= index < self._last:
            first = max(0, min(index - STEP // 2, len(self._messages) - STEP))
            await self._mount_window(first, min(len(self._messages), first + STEP))
        for view in self.query_children(MessageView):
            view.set_class(view.message.id == message_id, "-found")
        if found := self._view_of(index):
            self.call_after_refresh(self.scroll_to_widget, found, animate=False, top=True)

    async def _move(self, direction: int) -> None:
        index = self._index_of(self._chosen) if self._chosen is not None else len(self._messages)
        view = self._view_of(index)
        if view is not None and self._scroll_within(view, direction):
            return
        await self.choose(index + direction, direction)

    def _scroll_within(self, view: MessageView, direction: int) -> bool:
        """Scroll on in a message that is longer than the view, if more of it lies in this direction."""
        height = self.scrollable_content_region.height
        region = view.virtual_region
        hidden = region.bottom - 1 - (self.scroll_y + height) if direction > 0 else self.scroll_y - region.y
        if region.height <= height or hidden <= 0:
            return False
        self.scroll_relative(y=direction * min(hidden, max(1, height - 2)), animate=False)
        return True

    def _make_view(self, message: ChatMessage) -> MessageView:
        stream = self._stream if message is self._messages[-1] else None
        look = self.look_of(message.id)
        return MessageView(message, stream, opened=self._opened, look=look, calls=self._calls(message))

    def _row_of_chosen(self) -> int | None:
        view = self._view_of(self._index_of(self._chosen)) if self._chosen is not None else None
        return None if view is None else int(view.virtual_region.y - self.scroll_y)

    def _refresh_look(self, message_id: str) -> None:
        if view := self._view_of(self._index_of(message_id)):
            view.show_as(self.look_of(message_id))

    def _flush_in_turn(self) -> None:
        if wait := self._gate.wait():
            self.set_timer(wait, self._flush_in_turn)
        else:
            self._flush()

    def _flush(self) -> None:
        self._flush_is_due = False
        view = self._view_of_last()
        if self._stream is None or view is None:
            return
        started = time.thread_time()
        self.flushes += 1
        self._gate.flushed()
        view.flush()
        self.call_after_refresh(lambda: self._gate.cost(time.thread_time() - started))
