"""The main screen: the list of chats at the left, the panes in the middle, the keys below."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.actions import Action, bindings, slash_action, wrong_argument
from mistral_tui.tui.away import Away
from mistral_tui.tui.chat.message_actions import MessageActions
from mistral_tui.tui.chat.pane import ChatPane
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.tui.compositor import StillCompositor
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.key_bar import KeyBar
from mistral_tui.tui.metrics.panel import MetricsPanel
from mistral_tui.tui.panes.area import PaneArea
from mistral_tui.tui.panes.key_menu import KeyMenu
from mistral_tui.tui.sessions.list import SessionList
from mistral_tui.tui.sessions.session_actions import SessionActions
from mistral_tui.tui.tools.inspector import CallInspector, CallList
from mistral_tui.tui.tools.questions import Questions
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.sessions import Session

WIDE = 100
"""Columns from which the list of chats is beside the chat; below it lies over it."""
PAGE = 100
"""Sessions that are listed at a time."""
NOTICE_TIME = 15.0
"""Seconds that a notice is shown, unless the person sends a prompt or presses escape: there is something to read."""
TWICE = 3.0
"""Seconds within which a second ctrl+c quits."""


class MainScreen(Screen[None], inherit_bindings=False):
    """Where the person is, nearly always."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("screen", "pane", "model", "parameters", "panes", "box", "sources")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    AUTO_FOCUS = "PromptInput"

    @dataclass
    class LongReplyEnded(Message):
        """A reply that took long has ended while the person looked elsewhere."""

        text: str

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._compositor = StillCompositor()
        self._environment = environment
        self._workspace = environment.workspace
        self._sessions: list[Session] = []
        self._told: set[str] = set()
        """Notices of the database that were shown."""
        self._first_press = 0.0
        self._away = Away(lambda: not self.app.app_focus, lambda text: self.post_message(self.LongReplyEnded(text)))

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        if self.app.has_class("-screen-reader"):
            self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow")]  # nothing beside anything
        with Horizontal(id="columns"):
            yield SessionList(self._environment, id="chats")
            yield PaneArea(self._environment)
            yield MetricsPanel(self._workspace, lambda: self.pane.chat, id="metrics")
            yield CallInspector(lambda: self.pane.chat, id="calls")
        yield KeyBar(id="keys")
        yield Questions(self._workspace, lambda: self.pane)

    @property
    def pane(self) -> ChatPane:
        """The pane in use."""
        return self.panes.pane

    @property
    def panes(self) -> PaneArea:
        """All panes."""
        return self.query_one(PaneArea)

    @property
    def chats(self) -> SessionList:
        """The list of chats."""
        return self.query_one(SessionList)

    def on_mount(self) -> None:
        """Fill the list once the screen is there."""
        self.call_after_refresh(self.refresh_chats)
        self.call_after_refresh(self._workspace.watch_others, self.refresh_chats)

    def on_screen_resume(self) -> None:
        """Nothing is over the screen any more: a call may have waited for that."""
        self.query_one(Questions).look()

    def refresh_chats(self) -> None:
        """Read the list of chats again."""
        work: Callable[[], Awaitable[None]] = self._list_chats
        self.run_worker(work, group="chats", exclusive=True)

    async def open_chat(self, chat: LiveChat) -> None:
        """Show a chat; the one in its place goes on in the background if it is answering."""
        await self.panes.open(chat)

    # Actions

    async def action_new_chat(self) -> None:
        """Begin a chat in the place of the one in view."""
        await self._begin_chat(private=False)

    async def action_new_private_chat(self) -> None:
        """Begin a chat that is never stored."""
        await self._begin_chat(private=True)

    def action_toggle_chats(self) -> None:
        """Go to the list, which is shown if need be; from the list, fold it."""
        self._show_list(not self.chats.has_focus_within)

    def action_stop(self) -> None:
        """Leave the list, or stop the reply, or go back to the prompt; toasts go too."""
        self.app.clear_notifications()
        if self.chats.has_focus_within:
            self._close_overlay()
            self.pane.prompt.focus()
        elif self.pane.busy:
            self.pane.stop()
        elif not self.pane.editing.stop():
            self.pane.model.stop_fetching()
            self.clear_selection()
            self.pane.prompt.focus()

    def action_search(self, words: str = "") -> None:
        """Search all chats."""
        self._show_list(True, self.chats.box)
        self.chats.find(words)

    def action_metrics(self) -> None:
        """Show the figures at the right, or fold them."""
        self.query_one(MetricsPanel).toggle()

    async def action_calls(self) -> None:
        """Show the calls of the chat at the right, and go there; or fold them."""
        inspector = self.query_one(CallInspector)
        if not inspector.has_class("-shown"):
            await inspector.toggle()
        elif inspector.has_focus_within:
            await inspector.toggle()
            self.pane.prompt.focus()
        else:
            inspector.query_one(CallList).focus()

    async def action_servers(self) -> None:
        """Show the servers of tools."""
        from mistral_tui.tui.tools.servers import ServersScreen

        await self.app.push_screen(ServersScreen(self._workspace.servers, self.pane.chat.tools))

    async def action_do(self, owner: str, call: str) -> None:
        """Let the pane in use, its model, all panes, or the list of chats do something."""
        pane = self.pane
        owners: dict[str, Widget] = {
            "pane": pane,
            "model": pane.model,
            "parameters": pane.parameters,
            "box": pane.box,
            "panes": self.panes,
            "sessions": self.chats.actions,
            "message": pane.messages,
            "sources": pane.sources,
        }
        pane.status.hint("")  # what was said of the action before
        await owners[owner].run_action(call)

    def action_pane_keys(self) -> None:
        """List the keys that may follow, and take one."""
        self.app.push_screen(KeyMenu(self._do_for_menu))

    async def action_interrupt(self) -> None:
        """Copy what is selected, else stop the reply, else quit at the second press."""
        prompt = self.pane.prompt
        selected = self.get_selected_text() or (prompt.selected_text if prompt.has_focus else "")
        now = time.monotonic()
        if selected:
            await self.pane.copy(selected)
            self.clear_selection()
        elif self.pane.busy:
            self.pane.stop()
        elif now - self._first_press < TWICE:
            await self.app.run_action("app.quit")
        else:
            self._first_press = now
            self.pane.status.hint("ctrl+c again quits")
            self.set_timer(TWICE, lambda: self.pane.status.hint(""))

    # Messages

    def on_text_selected(self) -> None:
        """Text was selected, or no longer: a key copies it."""
        self._update_keys()

    @on(SessionList.Chosen)
    async def _chosen(self, event: SessionList.Chosen) -> None:
        event.stop()
        try:
            chat = await self._workspace.open_chat(event.session_id)
        except MistralTuiError as error:
            self.notify(str(error), severity="error")
            return
        await self.open_chat(chat)
        if event.message_id is not None:
            await self.pane.view.show_message(event.message_id)
        self._close_overlay()
        self.set_focus(self.pane.prompt)  # at once: a key that came meanwhile may lead elsewhere

    @on(SessionActions.Changed)
    async def _sessions_changed(self, event: SessionActions.Changed) -> None:
        event.stop()
        if isinstance(event, SessionActions.Opened):
            await self.open_chat(event.chat)
        elif isinstance(event, SessionActions.Deleted):
            await self.panes.forget(event.session_id)
        self.refresh_chats()

    @on(SessionList.EndReached)
    async def _more_chats(self, event: SessionList.EndReached) -> None:
        event.stop()
        older = await self._read(before=event.last)
        if older and self._sessions[-1].id == event.last.id:
            self._sessions += older
            self._show_chats()

    @on(PaneArea.Changed)
    def _panes_changed(self) -> None:
        for pane in self.panes.panes:
            self._away.look_at(pane.chat)
        self._update_keys()
        self.refresh_chats()

    @on(ChatPane.CommandGiven)
    async def _command(self, event: ChatPane.CommandGiven) -> None:
        event.stop()
        action = slash_action(event.name)
        typed = f"{event.marker}{event.name} {event.words}".rstrip()
        if action is not None and not (wrong := wrong_argument(action, event.words)):
            await self.run_action(action.call_with(event.words))
        elif event.marker == "\\" and (action is None or action.argument is None):
            await event.pane.sending.send(typed, event.pane.box.take_files())  # LaTeX, say
        else:
            unknown = f"there is no command /{event.name}; begin with a space to send it as it is"
            event.pane.sending.refuse(typed, wrong if action else unknown)

    @on(CallInspector.MessageWanted)
    async def _message_wanted(self, event: CallInspector.MessageWanted) -> None:
        event.stop()
        await self.pane.view.show_message(event.message_id)

    @on(CallInspector.RunAgain)
    async def _run_again(self, event: CallInspector.RunAgain) -> None:
        event.stop()
        from mistral_tui.tui.tools.try_tool import TryTool, arguments_of

        tools, run = self.pane.chat.tools, event.run
        tool = next((each for each in tools.all if (each.server, each.tool) == (run.server, run.tool)), None)
        if tool is None:
            self.notify(f"{run.name} is not there now; alt+v shows the servers", severity="warning")
        else:
            await self.app.push_screen(TryTool(tool, tools.call_by_hand, arguments_of(run)))

    @on(MessageActions.Forked)
    async def _forked(self, event: MessageActions.Forked) -> None:
        event.stop()
        await self.open_chat(event.chat)
        self.pane.prompt.focus()

    async def on_key(self, event: events.Key) -> None:
        """Do what a key is bound to; else type into the prompt, also while another part of the screen has the focus.

        The app would look for bindings too, but only after the keys that have come meanwhile.
        """
        prompt = self.pane.prompt
        if await self.app._check_bindings(event.key):
            event.stop()
        elif event.character is not None and event.is_printable and not prompt.has_focus:
            event.stop()
            prompt.focus()
            prompt.insert(event.character)

    def on_descendant_focus(self) -> None:
        """Other keys matter in another part of the screen."""
        self._update_keys()

    def on_paste(self, event: events.Paste) -> None:
        """Paste into the prompt also while another part of the screen has the focus."""
        event.stop()
        self.pane.prompt.focus()
        self.pane.prompt.post_message(events.Paste(event.text))

    # Within

    async def _do_for_menu(self, action: Action) -> None:
        """Do it as this screen: a dialog answers whoever opened it, and the list of keys is gone by then."""
        done = asyncio.Event()

        async def do() -> None:
            try:
                await self.action_do(action.where, action.owner_call())
            finally:
                done.set()

        self.call_next(do)
        await done.wait()

    async def _begin_chat(self, private: bool) -> None:
        current = self.pane.chat
        if len(current.conversation) or current.conversation.session.private != private:
            await self.open_chat(self._workspace.new_chat_after(current, private))
        self._close_overlay()
        self.pane.prompt.focus()

    def _show_list(self, shown: bool, focus: Widget | None = None) -> None:
        """Show or fold the list, and go to a part of it; or to its rows, or back to the prompt."""
        # A list that was opened over the chat, or folded beside it, must not be so when the terminal is resized.
        narrow = self.has_class("-narrow")
        self.chats.set_class(shown and narrow, "-opened")
        self.chats.set_class(not shown and not narrow, "-folded")
        if shown:
            self.refresh_chats()
        # At once: keys that are typed already are meant for it.
        self.set_focus(focus or (self.chats.rows if shown else self.pane.prompt))

    def _close_overlay(self) -> None:
        """Fold the list if it lies over the chat."""
        if self.has_class("-narrow") and self.chats.has_class("-opened"):
            self._show_list(False)

    async def _list_chats(self) -> None:
        self._sessions = await self._read()
        self._show_chats()
        for notice in self._workspace.notices:
            if notice not in self._told:
                self._told.add(notice)
                self.notify(notice, severity="warning", timeout=NOTICE_TIME)

    async def _read(self, before: Session | None = None) -> list[Session]:
        try:
            return await self._workspace.library.sessions(PAGE, before, self.chats.archived)
        except MistralTuiError as error:
            self.notify(str(error), severity="error")
            return []

    def _show_chats(self) -> None:
        self.chats.show(self._sessions, self.pane.chat.conversation.session.id, self.panes.answering)
        self.panes.show_titles()

    def _update_keys(self) -> None:
        focused: Widget | None = self.focused
        if self.selections:
            context = "selected"
        elif focused is not None and self.chats in focused.ancestors:
            context = "chats"
        elif isinstance(focused, Transcript) and not self.pane.chat.busy:
            context = "messages"
        elif self.pane.chat.busy:
            context = "busy"
        else:
            context = "failed" if self.pane.failed else "idle"
        self.query_one(KeyBar).show(context)
