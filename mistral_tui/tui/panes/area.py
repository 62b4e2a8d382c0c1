"""The middle of the screen: tabs of panes, each with a chat of its own."""

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.panes import memory, tree
from mistral_tui.tui.panes.background import Background
from mistral_tui.tui.panes.grid import PaneGrid
from mistral_tui.tui.panes.grip import ColumnLine, Grip, Heading, PaneHead
from mistral_tui.tui.panes.tab_line import TabLabel, TabLine
from mistral_tui.tui.panes.tabs import Tab, Tabs
from mistral_tui.tui.panes.tree import AXES, Direction
from mistral_tui.types.errors import StoreError

_STEP: Final = {"columns": 4, "rows": 2}
"""Cells by which a key moves a divider."""
_NOT_KNOWN: Final = object()


class PaneArea(Vertical):
    """Holds the panes, and does what is asked of them together."""

    @dataclass
    class Changed(Message):
        """Another pane is in use, or shows another chat, or one answers or has ended to."""

        area: "PaneArea"

        @property
        def control(self) -> "PaneArea":
            """The widget that sent this message."""
            return self.area

    def __init__(self, environment: Environment, id: str | None = None) -> None:
        super().__init__(id=id)
        self._environment = environment
        self._workspace = environment.workspace
        first = ChatPane(self._workspace.new_chat(), environment)
        self._panes: dict[int, ChatPane] = {0: first}
        self._next = 1
        self._tabs = Tabs.of(0)
        self._background = Background(self._ended_out_of_sight)
        self._remembered: Any = _NOT_KNOWN
        """The arrangement as it is kept for the next run."""
        self._about_to_lose: tuple[ChatPane, str] | None = None
        """A pane that was asked to close, and the prompt in it that nobody has sent."""

    def compose(self) -> ComposeResult:
        """Lay out the tabs and the first pane."""
        yield TabLine()
        with PaneGrid():
            yield from self._panes.values()

    def on_mount(self) -> None:
        """Show the first pane, then those that were there at the end of the last run."""
        self._show()
        self.call_after_refresh(self._begin_restoring)

    @property
    def pane(self) -> ChatPane:
        """The pane in use."""
        return self._panes[self._tabs.tab.current]

    @property
    def panes(self) -> tuple[ChatPane, ...]:
        """The panes of the tab in view, from the left to the right and from the top to the bottom."""
        return tuple(self._panes[number] for number in self._tabs.tab.panes)

    @property
    def tabs(self) -> Tabs:
        """How panes, which are numbers there, are arranged."""
        return self._tabs

    @property
    def answering(self) -> frozenset[str]:
        """Ids of the sessions that are being answered, in view or not."""
        busy = (pane.chat for pane in self._panes.values() if pane.chat.busy)
        return self._background.answering | {chat.conversation.session.id for chat in busy}

    async def open(self, chat: LiveChat) -> None:
        """Go to the pane that shows a chat, or show it in the pane in use, whose chat goes on if it is answering."""
        for number, pane in self._panes.items():
            if pane.chat is chat:
                self._arrange(self._tabs.used(number))
                return
        self._background.watch(self.pane.chat)
        await self.pane.show_chat(chat)
        self.show_titles()
        self._remember()
        self.post_message(self.Changed(self))

    async def forget(self, session_id: str) -> None:
        """A session was deleted: panes that show it begin a chat."""
        for pane in tuple(self._panes.values()):
            if pane.chat.conversation.session.id == session_id:
                await pane.show_chat(self._workspace.new_chat_after(pane.chat))
        self.show_titles()
        self._remember()
        self.post_message(self.Changed(self))

    # Actions

    async def action_split(self, direction: Direction) -> None:
        """Divide the pane in use; the new pane begins a chat with the same model."""
        tabs = self._tabs.split(self._next, direction)
        if not tree.fits(tabs.tab.root, self._grid.size):
            room = "wide" if AXES[direction] == "columns" else "high"
            self.hint(f"the terminal is not {room} enough for another pane; /tab opens one behind this")
            return
        await self._add(tabs)

    async def action_new_tab(self) -> None:
        """Begin a chat in a tab of its own."""
        await self._add(self._tabs.opened(Tab(self._next, self._next)))

    async def action_close_pane(self) -> None:
        """Close the pane in use; its chat is in the list, and goes on if it is answering."""
        await self._close((self._tabs.tab.current,))

    async def action_close_tab(self) -> None:
        """Close all panes of the tab in view."""
        await self._close(self._tabs.tab.panes)

    def action_focus_pane(self, direction: Direction) -> None:
        """Go to the pane in this direction."""
        tab = self._tabs.tab
        other = tree.neighbour(tab.root, tab.current, direction, self._grid.size.region)
        if other is None:
            self.hint("there is no pane in that direction")
        else:
            self._arrange(self._tabs.used(other))

    def action_next_pane(self) -> None:
        """Go to the next pane of the tab, round the end."""
        panes = self._tabs.tab.panes
        self._arrange(self._tabs.used(panes[(panes.index(self._tabs.tab.current) + 1) % len(panes)]))

    def action_move_pane(self, direction: Direction) -> None:
        """Let the pane change places with the one in this direction; without one it goes to that edge."""
        tab = self._tabs.tab
        root = tree.moved(tab.root, tab.current, direction, self._grid.size.region)
        if tree.fits(root, self._grid.size) or not tree.fits(tab.root, self._grid.size):
            self._arrange(self._tabs.with_tab(replace(tab, root=root)))
        else:
            self.hint("there is not room enough to move it there")

    def action_resize_pane(self, axis: tree.Axis, step: int) -> None:
        """Let the pane grow, or shrink; one with nothing above or below it does so in its width."""
        tab = self._tabs.tab
        if axis == "rows" and not tree.is_divided(tab.root, tab.current, "rows"):
            axis = "columns"
        root = tree.grown(tab.root, tab.current, axis, step * _STEP[axis], self._grid.size.region)
        if len(tab.panes) == 1:
            self.hint("there is only one pane")
        elif tab.zoomed:
            self.hint("the pane has all the room; z shares it again")
        elif root == tab.root:
            self.hint(f"the pane cannot become {'larger' if step > 0 else 'smaller'}")
        else:
            self.hint("")
            self._arrange(self._tabs.with_tab(replace(tab, root=root)))

    def action_zoom(self) -> None:
        """Give the pane in use all the room, or share it again."""
        tab = self._tabs.tab
        if len(tab.panes) == 1:
            self.hint("there is only one pane")
        else:
            self._arrange(self._tabs.with_tab(replace(tab, zoomed=not tab.zoomed)))

    def action_broadcast(self) -> None:
        """Let prompts go to all panes of the tab, or to one again."""
        tab = self._tabs.tab
        if len(tab.panes) == 1:
            self.hint("there is only one pane; /split and /vsplit make more")
            return
        self._arrange(self._tabs.with_tab(replace(tab, broadcast=not tab.broadcast)))
        self.hint("" if tab.broadcast else f"prompts go to all {len(tab.panes)} panes; the same again ends it")

    async def action_compare(self, text: str) -> None:
        """Let several models, or settings, answer a prompt: these words, what is in the box, or the last one anew."""
        from mistral_tui.tui.compare.flow import choose_and_compare

        await choose_and_compare(self._environment, self.pane, text)
        self.show_titles()

    def action_go_to_tab(self, number: int) -> None:
        """Go to a tab by its number, from 1."""
        if number > len(self._tabs.tabs):
            self.hint(f"there is no tab {number}")
        else:
            self._arrange(self._tabs.shown(number - 1))

    def action_turn_tab(self, step: int) -> None:
        """Go to the next tab, or the one before, round the ends."""
        self._arrange(self._tabs.shown(self._tabs.index + step))

    def action_move_tab(self, step: int) -> None:
        """Move the tab in view along the line."""
        self._arrange(self._tabs.moved(step))

    def hint(self, text: str) -> None:
        """Say something in the pane in use."""
        self.pane.status.hint(text)

    # Messages

    def on_resize(self) -> None:
        """What fitted may not fit any more, or fit again."""
        self._show()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the one in use."""
        if event.widget is not self.screen.focused:
            return  # the focus has moved on since: what is typed is not to follow it back
        for number, pane in self._panes.items():
            if number != self._tabs.tab.current and pane in event.widget.ancestors:
                self._tabs = self._tabs.used(number)
                self._show()
                self.post_message(self.Changed(self))

    @on(ChatPane.StateChanged)
    def _state_changed(self, event: ChatPane.StateChanged) -> None:
        event.stop()
        pane = event.pane
        if pane.failed and not pane.chat.busy and not pane.display and pane.chat.failed:
            self.app.notify(f"“{pane.chat.conversation.session.title}”: the reply failed", severity="error")
        self.show_titles()
        self._remember()
        self.post_message(self.Changed(self))

    @on(ChatPane.Sent)
    async def _sent(self, event: ChatPane.Sent) -> None:
        event.stop()
        if self._tabs.tab.broadcast and event.pane in self.panes:
            for pane in self.panes:
                if pane is not event.pane:
                    await pane.sending.send(event.text, event.files)

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self._arrange(self._tabs.shown(event.index))

    @on(Grip.Dragged)
    def _dragged(self, event: Grip.Dragged) -> None:
        event.stop()
        tab, grip, room = self._tabs.tab, event.grip, self._grid.region
        if isinstance(grip, ColumnLine):
            path: tree.Path | None = grip.path
            position = event.x
        else:
            number = next((number for number, pane in self._panes.items() if grip in pane.children), tab.current)
            path, position = tree.line_above(tab.root, number), event.y
        if path is not None and not tab.zoomed:
            root = tree.dragged(tab.root, path, position, room)
            self._tabs = self._tabs.with_tab(replace(tab, root=root))
            self._show()

    @on(Grip.Released)
    def _released(self, event: Grip.Released) -> None:
        event.stop()
        if isinstance(event.grip, PaneHead):
            number = next(number for number, pane in self._panes.items() if event.grip in pane.children)
            self._arrange(self._tabs.used(number))
        else:
            self.pane.prompt.focus()

    # Within

    @property
    def _grid(self) -> PaneGrid:
        return self.query_one(PaneGrid)

    async def _add(self, tabs: Tabs) -> None:
        """Mount the next pane, for which there is a place in `tabs`."""
        chat = self._workspace.new_chat()
        chat.settings.begin_like(self.pane.chat.settings)
        pane = ChatPane(chat, self._environment)
        self._panes[self._next] = pane
        self._next += 1
        self._tabs = tabs
        await self._grid.mount(pane)
        self._arrange(tabs)

    async def _close(self, numbers: tuple[int, ...]) -> None:
        tabs: Tabs | None = self._tabs
        for number in numbers:
            pane = self._panes[number]
            text = pane.prompt.full_text
            if text.strip() and self._about_to_lose != (pane, text):
                self._about_to_lose = (pane, text)
                self._arrange(self._tabs.used(number))
                self.hint("not sent yet: once more closes it")
                return
        for number in numbers:
            tabs = tabs and tabs.without(number)
        if tabs is None:
            self.hint("this is the last pane; ctrl+q quits")
            return
        gone = [self._panes.pop(number) for number in numbers]
        for pane in gone:
            self._background.watch(pane.chat)
        self._arrange(tabs)
        for pane in gone:
            await self._remove(pane)

    async def _remove(self, pane: ChatPane) -> None:
        """Take a pane off the screen, then away: what is still in view may be drawn while parts of it are gone."""
        pane.display = False
        self.screen._refresh_layout()
        await pane.remove()

    def _begin_restoring(self) -> None:
        self.run_worker(self._restore(), group="restore")

    async def _restore(self) -> None:
        """Open the chats that were in view at the end of the last run, unless the person was quicker."""
        value = await self._workspace.recall(memory.KEY)
        chats: dict[str, LiveChat] = {}
        for name in memory.session_ids(value):
            if model := memory.model_of(name):
                chats[name] = await self._workspace.new_chat_with(model)
                continue
            with contextlib.suppress(StoreError):  # it may have been deleted since
                chats[name] = await self._workspace.open_chat(name)
        if len(chats) > 1 and self._tabs == Tabs.of(0):
            await self._mount_remembered(value, chats)
        self._remembered = value
        self._remember()

    async def _mount_remembered(self, value: Any, chats: dict[str, LiveChat]) -> None:
        numbers: dict[str, int] = {}
        for session_id, chat in chats.items():
            numbers[session_id] = self._next
            self._panes[self._next] = ChatPane(chat, self._environment)
            self._panes[self._next].display = False
            self._next += 1
        tabs = memory.restored(value, numbers)
        if tabs is None:
            return
        first = self._panes[0]
        used = len(first.chat.conversation) > 0 or bool(first.prompt.full_text.strip())
        await self._grid.mount_all([self._panes[number] for number in numbers.values()])
        if used:
            tabs = tabs.shown(-1).opened(Tab(0, 0))
        else:
            del self._panes[0]
        # Who has gone to the list meanwhile stays there.
        self._arrange(tabs, focus=self.has_focus_within or self.screen.focused is None)
        if not used:
            await self._remove(first)

    def _remember(self) -> None:
        """Keep the arrangement of the chats that are stored, if it is another one than before."""
        if self._remembered is _NOT_KNOWN:
            return
        sessions = {number: _name_of(pane.chat, number) for number, pane in self._panes.items()}
        value = memory.stored(self._tabs, {number: name for number, name in sessions.items() if name})
        if value != self._remembered:
            self._remembered = value
            work = self._workspace.remember(memory.KEY, value)
            self.run_worker(work, group="remember")

    def _arrange(self, tabs: Tabs, focus: bool = True) -> None:
        """Show what `tabs` says, and go to the pane in use."""
        self._tabs = tabs
        self._show()
        if focus:
            self.pane.prompt.focus()
        self._remember()
        self.post_message(self.Changed(self))

    def _show(self) -> None:
        tab = self._tabs.tab
        alone = tab.zoomed or not tree.fits(tab.root, self._grid.size)
        self._grid.place(tab.current if alone else tab.root, dict(self._panes))
        several = len(tab.panes) > 1
        for number, pane in self._panes.items():
            pane.set_class(several, "-several")
            pane.set_class(several and number == tab.current, "-current")
            pane.set_class(tab.broadcast, "-broadcast")
        self.show_titles()

    def show_titles(self) -> None:
        """Say in tabs and headings what the chats are called, and which of them answer."""
        tab = self._tabs.tab
        count = len(tab.panes)
        hidden = count > 1 and not all(pane.display for pane in self.panes)
        for number, pane in enumerate(self.panes, 1):
            place = f"{number} of {count}" if hidden else ""
            title = pane.chat.conversation.session.title
            pane.query_one(PaneHead).show(Heading(title, pane.chat.busy, tab.broadcast, place))
        self.query_one(TabLine).show([self._tab_label(each) for each in self._tabs.tabs], self._tabs.index)

    def _tab_label(self, tab: Tab) -> TabLabel:
        chats = [self._panes[number].chat for number in tab.panes]
        title = self._panes[tab.current].chat.conversation.session.title
        return TabLabel(title, len(chats), any(chat.busy for chat in chats))

    def _ended_out_of_sight(self, chat: LiveChat, failure: str | None) -> None:
        self.post_message(self.Changed(self))
        if failure is not None and all(pane.chat is not chat for pane in self._panes.values()):
            self.app.notify(f"“{chat.conversation.session.title}”: {failure}", severity="error")


def _name_of(chat: LiveChat, number: int) -> str:
    """Return what a chat is remembered by; nothing: it is not."""
    session = chat.conversation.session
    if session.private:
        return ""
    if len(chat.conversation):
        return session.id
    return memory.not_begun(number, chat.entry.name) if chat.entry is not None else ""
