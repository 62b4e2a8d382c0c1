"""The messages of a chat: a window of them is mounted, the rest is when it is scrolled to."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message

from mistral_tui.tui.actions import bindings
from mistral_tui.tui.chat.flush_gate import FlushGate
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.chat.reply_stream import ReplyStream
from mistral_tui.types.events import Delta, TextDelta
from mistral_tui.types.messages import Message as ChatMessage

STEP = 20
"""Messages that are mounted at a time."""
MOST = 60
"""Messages that are mounted at once."""


class Transcript(VerticalScroll, inherit_bindings=False):
    """Shows a chat and follows its end until the person scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("transcript")

    @dataclass
    class EndInView(Message):
        """The end of the chat came into view, or went out of it."""

        transcript: "Transcript"
        in_view: bool

        @property
        def control(self) -> "Transcript":
            """The transcript that sent this message."""
            return self.transcript

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._messages: list[ChatMessage] = []
        self._first = 0
        """Index of the first message that is mounted."""
        self._last = 0
        """Index behind the last message that is mounted."""
        self._stream: ReplyStream | None = None
        """The last message while it is being written."""
        self._opened = False
        """Whether what models thought is shown in full."""
        self._gate = FlushGate()
        self._flush_is_due = False
        self._moving = False
        self._following = True
        """Whether the end is to be kept in view once the chat is longer than the screen."""
        self._end_was_in_view = True
        self._end_is_watched = False
        self.flushes = 0
        """How often a growing reply was drawn."""

    @property
    def messages(self) -> Sequence[ChatMessage]:
        """All messages, mounted or not."""
        return self._messages

    @property
    def at_end(self) -> bool:
        """Whether the end of the chat is in view."""
        return self._last == len(self._messages) and self.scroll_y >= self.max_scroll_y

    async def show(self, messages: Sequence[ChatMessage]) -> None:
        """Show another chat, at its end."""
        self._messages = list(messages)
        self._stream = None
        await self._mount_window(max(0, len(self._messages) - STEP), len(self._messages))
        self._follow()

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
        self._stream = ReplyStream(message, latest)
        await self.add(message)

    def toggle_thoughts(self) -> bool:
        """Show what models thought in full, or fold it; returns which."""
        self._opened = not self._opened
        for view in self.query_children(MessageView):
            view.open(self._opened)
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
            wait = self._gate.wait()
            if wait:
                self.set_timer(wait, self._flush)
            else:
                self._flush()

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

    async def show_end(self) -> None:
        """Go to the end and follow it."""
        if self._last < len(self._messages) - STEP:
            await self._mount_window(len(self._messages) - STEP, len(self._messages))
        elif self._last < len(self._messages):
            await self.mount_all(self._views(self._last, len(self._messages)))
            self._last = len(self._messages)
            await self._drop_first(len(self.children) - MOST)
        self._follow()

    async def show_start(self) -> None:
        """Go to the first message."""
        self._following = False
        self.release_anchor()
        if self._first:
            await self._mount_window(0, min(STEP, len(self._messages)))
        self.scroll_home(animate=False)

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
        found = self.children[index - self._first]
        self.call_after_refresh(self.scroll_to_widget, found, animate=False, top=True)

    def watch_virtual_size(self) -> None:
        """The chat has grown: it may have become longer than the screen."""
        self._follow_if_long()
        self._watch_end_soon()

    def on_resize(self) -> None:
        """The screen may now be longer than the chat, or the other way round."""
        self._follow_if_long()
        self._watch_end_soon()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Mount more messages when the person comes near the first or the last one."""
        super().watch_scroll_y(old_value, new_value)
        self._watch_end_soon()
        if self._moving:
            return
        if new_value < old_value and new_value < self.size.height and self._first > 0:
            self._moving = True
            self.call_next(self._extend_up)
        elif new_value > max(old_value, self.max_scroll_y - self.size.height) and self._last < len(self._messages):
            self._moving = True
            self.call_next(self._extend_down)

    def _watch_end_soon(self) -> None:
        """See whether the end is in view when the layout has settled; an anchor moves the view without a message."""
        if not self._end_is_watched:
            self._end_is_watched = True
            self.set_timer(0.1, self._watch_end)

    def _watch_end(self) -> None:
        self._end_is_watched = False
        # The chat may have grown already, while the layout that moves an anchored view is still to come.
        follows = self.is_anchored and not self._anchor_released and self._last == len(self._messages)
        in_view = follows or self.at_end
        if in_view != self._end_was_in_view:
            self._end_was_in_view = in_view
            self.post_message(self.EndInView(self, in_view))

    def _follow(self) -> None:
        self._following = True
        if self.is_anchored:
            self.anchor()
        self._follow_if_long()

    def _follow_if_long(self) -> None:
        """Anchor the end in view, but leave a short chat at the top: an anchor would push it down."""
        is_long = self.virtual_size.height > self.container_size.height
        if self._following and is_long and not self.is_anchored:
            self.anchor()
        elif self.is_anchored and not is_long:
            self.anchor(False)
            self.set_scroll(None, 0)

    async def _extend_up(self) -> None:
        start = max(0, self._first - STEP)
        views = self._views(start, self._first)
        with self.app.batch_update():
            await self.mount_all(views, before=0)
            self._first = start
            surplus = len(self.children) - MOST
            if surplus > 0:
                await self.remove_children(self.children[-surplus:])
                self._last -= surplus
            self._shift(sum(self._height_of(view) for view in views))

    async def _extend_down(self) -> None:
        end = min(len(self._messages), self._last + STEP)
        with self.app.batch_update():
            await self.mount_all(self._views(self._last, end))
            self._last = end
            await self._drop_first(len(self.children) - MOST)
        self._moving = False

    async def _drop_first(self, surplus: int) -> None:
        if surplus <= 0:
            return
        views = [view for view in self.children[:surplus] if isinstance(view, MessageView)]
        gone = sum(self._height_of(view) for view in views)
        await self.remove_children(views)
        self._first += surplus
        self._shift(-gone)

    def _shift(self, rows: int) -> None:
        """Keep in place what is in view when `rows` rows come or go above it."""
        self.screen._refresh_layout()
        self.set_scroll(None, self.scroll_y + rows)
        self.scroll_target_y = self.scroll_y
        self._moving = False

    def _height_of(self, view: MessageView) -> int:
        return max(1, len(view.rows_at(self.scrollable_content_region.width))) + 1

    def _views(self, start: int, end: int) -> list[MessageView]:
        last = len(self._messages) - 1
        return [
            MessageView(self._messages[index], self._stream if index == last else None, opened=self._opened)
            for index in range(start, end)
        ]

    def _view_of_last(self) -> MessageView | None:
        view = self.children[-1] if self.children and self._last == len(self._messages) else None
        return view if isinstance(view, MessageView) else None

    async def _mount_window(self, first: int, last: int) -> None:
        with self.app.batch_update():
            await self.remove_children()
            self._first, self._last = first, last
            await self.mount_all(self._views(first, last))

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
