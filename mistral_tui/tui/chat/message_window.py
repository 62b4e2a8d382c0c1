"""A window of a chat's messages: some are mounted, the rest is when it is scrolled to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self

from textual.containers import VerticalScroll
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget

from mistral_tui.tui.chat.message import MessageView
from mistral_tui.types.messages import Message as ChatMessage

STEP = 20
"""Messages that are mounted at a time at most."""
SCREENS = 1
"""Messages that fill so many screens are enough at a time: many would hold up the next key."""
AHEAD = 2
"""Screens above and below the one in view that are to be mounted."""
MOST = 60
"""Messages that are mounted at once."""


class MessageWindow(VerticalScroll, inherit_bindings=False):
    """Shows messages, keeps what is read in its place, and follows the end until the person scrolls up."""

    # Textual lays out once more when this has changed; here nothing depends on it but the scrollbar, which is told.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)

    @dataclass
    class EndInView(Message):
        """The end of the chat came into view, or went out of it."""

        window: "MessageWindow"
        in_view: bool

        @property
        def control(self) -> "MessageWindow":
            """The widget that sent this message."""
            return self.window

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._messages: list[ChatMessage] = []
        self._first = 0
        """Index of the first message that is mounted."""
        self._last = 0
        """Index behind the last message that is mounted."""
        self._moving = False
        self._following = True
        """Whether the end is to be kept in view once the chat is longer than the screen."""
        self.end_was_in_view = True
        """Whether the end was in view when that was looked at last."""
        self._end_is_watched = False

    @property
    def messages(self) -> Sequence[ChatMessage]:
        """All messages, mounted or not."""
        return self._messages

    @property
    def at_end(self) -> bool:
        """Whether the end of the chat is in view."""
        return self._last == len(self._messages) and self.scroll_y >= self.max_scroll_y

    async def show_end(self) -> None:
        """Go to the end and follow it."""
        if self._last < len(self._messages) - STEP:
            await self._mount_end()
        elif self._last < len(self._messages):
            await self.mount_all(self._views(self._last, len(self._messages)))
            self._last = len(self._messages)
            await self._drop_first()
        self._follow()

    async def show_start(self) -> None:
        """Go to the first message."""
        self._let_go()
        if self._first:
            await self._mount_window(0, min(STEP, len(self._messages)))
        self.scroll_home(animate=False)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw it anew; if it is only to be laid out, no more than the messages that come, go or move."""
        return super().refresh(*regions, repaint=repaint and not layout, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the ground beneath the messages, which is the same everywhere."""
        strip = Strip.blank(crop.width, self.visual_style.rich_style)
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return [strip] * crop.height

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
        if new_value < old_value and self.is_anchored and self._anchor_released and self.end_was_in_view:
            self._watch_end()  # the person scrolls up: what is said of it is drawn in the same frame
        self._watch_end_soon()
        if self._moving:
            return
        ahead = AHEAD * self.size.height
        if new_value < old_value and new_value < ahead and self._first > 0:
            self._extend_soon(self._extend_up)
        elif new_value > max(old_value, self.max_scroll_y - ahead) and self._last < len(self._messages):
            self._extend_soon(self._extend_down)

    def _extend_soon(self, extend: Callable[[], Awaitable[None]]) -> None:
        """Mount more messages once what was scrolled to is on screen."""
        self._moving = True
        self.call_after_refresh(self.call_next, extend)

    def _make_view(self, message: ChatMessage) -> MessageView:
        """Return the widget that shows a message."""
        return MessageView(message)

    async def _reach(self, index: int) -> None:
        """Have a message mounted: by going on from those that are, if it is near."""
        while self._first > index >= self._first - STEP:
            await self._extend_up()
        while self._last <= index < self._last + STEP:
            await self._extend_down()
        if not self._first <= index < self._last:
            first = max(0, index - STEP)
            await self._mount_window(first, min(len(self._messages), first + 2 * STEP))

    async def _mount_end(self) -> None:
        """Mount the last messages: no more than are soon to be seen, for all are laid out when the size changes."""
        room = self.size
        views: list[MessageView] = []
        rows = 0
        while len(views) < min(STEP, len(self._messages)) and (not room or rows <= (1 + AHEAD) * room.height):
            views.insert(0, self._make_view(self._messages[-len(views) - 1]))
            rows += self._rows_of(views[:1]) if room else 0
        with self.app.batch_update():
            await self.remove_children()
            self._last = len(self._messages)
            self._first = self._last - len(views)
            await self.mount_all(views)

    async def _mount_window(self, first: int, last: int) -> None:
        with self.app.batch_update():
            await self.remove_children()
            self._first, self._last = first, last
            await self.mount_all(self._views(first, last))

    async def _extend_up(self) -> None:
        views: list[MessageView] = []
        rows = 0
        while self._wants_more(len(views), rows) and len(views) < self._first:
            views.insert(0, self._make_view(self._messages[self._first - len(views) - 1]))
            rows += self._rows_of(views[:1])
        with self.app.batch_update():
            await self.mount_all(views, before=0)
            self._first -= len(views)
            gone = self.children[MOST:]
            lost = self._rows_of(gone)
            await self.remove_children(gone)
            self._last -= len(gone)
            self._shift(above=rows, below=-lost)
        self._moving = False

    async def _extend_down(self) -> None:
        views: list[MessageView] = []
        rows = 0
        while self._wants_more(len(views), rows) and self._last + len(views) < len(self._messages):
            views.append(self._make_view(self._messages[self._last + len(views)]))
            rows += self._rows_of(views[-1:])
        with self.app.batch_update():
            await self.mount_all(views)
            self._last += len(views)
            await self._drop_first(below=rows)
        self._moving = False

    def _wants_more(self, messages: int, rows: int) -> bool:
        """Whether so many messages are too few to be mounted at a time."""
        return messages < STEP and rows < SCREENS * self.size.height

    async def _drop_first(self, below: int = 0) -> None:
        """Let the first messages go if there are too many, after `below` rows were mounted below."""
        gone = self.children[: max(0, len(self.children) - MOST)]
        lost = self._rows_of(gone)
        await self.remove_children(gone)
        self._first += len(gone)
        self._shift(above=-lost, below=below)

    def _shift(self, above: int, below: int) -> None:
        """Keep in place what is in view when rows come or go above and below it; one frame shows both."""
        width, height = self.virtual_size
        self.virtual_size = Size(width, height + above + below)
        if above:
            self.set_scroll(None, self.scroll_y + above)
            self.scroll_target_y = self.scroll_y

    def _rows_of(self, views: Sequence[Widget]) -> int:
        return sum(self._heights_of(views))

    def _heights_of(self, views: Sequence[Widget]) -> list[int]:
        size, width = self.size, self.scrollable_content_region.width
        return [view.get_content_height(size, size, width) for view in views if isinstance(view, MessageView)]

    def _bring_into_view(self, index: int, direction: int, row: int | None = None) -> None:
        """Scroll as little as shows a message, or so that it is in this row of the view."""
        view = self._view_of(index)
        if view is None:
            return
        region, height = view.virtual_region, self.scrollable_content_region.height
        if row is not None:
            self.scroll_to(y=region.y - row, animate=False)
        elif region.height > height and region.y < self.scroll_y + height and region.bottom > self.scroll_y:
            if direction:
                self.scroll_to(y=region.y if direction > 0 else region.bottom - height, animate=False)
        elif region.y < self.scroll_y or (region.height > height and direction >= 0):
            self.scroll_to(y=region.y - 1, animate=False)
        elif region.bottom > self.scroll_y + height:
            self.scroll_to(y=region.bottom - height, animate=False)

    def _bring_row_into_view(self, view: MessageView, token: int) -> None:
        row = view.virtual_region.y + view.row_of_token(token)
        height = self.scrollable_content_region.height
        if not self.scroll_y <= row < self.scroll_y + height - 1:
            self.scroll_to(y=row - height // 2, animate=False)

    def _last_in_view(self) -> int:
        """Return the index of the last message that begins in the view."""
        end = self.scroll_y + self.scrollable_content_region.height
        views = [view for view in self.children if isinstance(view, MessageView)]
        seen = [index for index, view in enumerate(views) if view.virtual_region.y < end]
        return self._first + (seen[-1] if seen else len(views) - 1)

    def _index_of(self, message_id: str) -> int:
        return next((index for index, message in enumerate(self._messages) if message.id == message_id), -1)

    def _view_of(self, index: int) -> MessageView | None:
        # While a window is being mounted, there are fewer widgets than it will have.
        place = index - self._first
        view = self.children[place] if 0 <= place < len(self.children) else None
        return view if isinstance(view, MessageView) else None

    def _view_of_last(self) -> MessageView | None:
        view = self.children[-1] if self.children and self._last == len(self._messages) else None
        return view if isinstance(view, MessageView) else None

    def _views(self, start: int, end: int) -> list[MessageView]:
        return [self._make_view(message) for message in self._messages[start:end]]

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

    def _let_go(self) -> None:
        """Follow the end no longer: the person reads elsewhere."""
        self._following = False
        self.release_anchor()

    def _watch_end_soon(self) -> None:
        """Look at what is in view when the layout has settled; an anchor moves the view without a message."""
        if not self._end_is_watched:
            self._end_is_watched = True
            self.set_timer(0.1, self._watch_end)

    def _forget_far_away(self) -> None:
        """Let messages that are more than a screen away take no more memory than their layout does."""
        near = self.scrollable_content_region.height
        above, below = self.scroll_y - near, self.scroll_y + 2 * near
        views = list(self.query_children(MessageView))
        bottom = 0
        for view, height in zip(views, self._heights_of(views), strict=True):
            bottom += height
            if bottom < above or bottom - height > below:
                view.forget_drawn()

    def _watch_end(self) -> None:
        self._end_is_watched = False
        self._forget_far_away()
        # The chat may have grown already, while the layout that moves an anchored view is still to come.
        follows = self.is_anchored and not self._anchor_released and self._last == len(self._messages)
        in_view = follows or self.at_end
        if in_view != self.end_was_in_view:
            self.end_was_in_view = in_view
            self.post_message(self.EndInView(self, in_view))
