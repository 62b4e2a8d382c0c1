"""The list of chats: those that are pinned, then the newest first; or what a search has found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static

from mistral_tui.tui.actions import action, bindings
from mistral_tui.tui.clickable import Clickable
from mistral_tui.tui.context_menu import MenuWanted
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.sessions.rows import hit_options, session_options
from mistral_tui.tui.sessions.search_box import SearchBox
from mistral_tui.tui.sessions.session_actions import SessionActions
from mistral_tui.types.search import SearchHit, SearchOrder
from mistral_tui.types.sessions import Session


class ListTitle(Clickable):
    """What is listed, how many there are, and where a click begins a chat."""

    DEFAULT_CSS = "ListTitle { height: 1; width: 1fr; padding: 0 1; color: $text-muted; }"

    def __init__(self) -> None:
        super().__init__()
        self._words = Content("chats")

    def show(self, title: str, count: str) -> None:
        """Say this."""
        self._words = Content.assemble(title, (f"  {count}", "$text-disabled"))
        self.refresh()

    def render(self) -> RenderResult:
        """Title at the left, the rest at the right."""
        new = self.link_to(action("screen", "new_chat"), Content("+ new"))
        room = max(0, self.content_size.width - new.cell_length)
        return self._words.truncate(room, ellipsis=True, pad=True) + new


class ChatOptions(OptionList, inherit_bindings=False):
    """The rows of the list."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("chats")

    @dataclass
    class Typed(Message):
        """The person types: a search begins."""

        rows: "ChatOptions"
        character: str

        @property
        def control(self) -> "ChatOptions":
            """The rows that sent this message."""
            return self.rows

    def on_click(self, event: events.Click) -> None:
        """List what can be done with the chat under the mouse, if that is wanted."""
        place = event.style.meta.get("option")
        on_session = place is not None and not self.get_option_at_index(place).disabled
        if wanted := MenuWanted.by(event, "session" if on_session else "sessions"):
            if on_session:
                self.highlighted = place
            self.post_message(wanted)

    def on_key(self, event: events.Key) -> None:
        """Search for what is typed."""
        if event.is_printable and event.character is not None:
            event.stop()
            self.post_message(self.Typed(self, event.character))


class SessionList(Vertical, inherit_bindings=False):
    """Shows sessions and says which one the person wants."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sessions")

    @dataclass
    class Chosen(Message):
        """The person wants this chat, perhaps at one of its messages."""

        sessions: "SessionList"
        session_id: str
        message_id: str | None = None

        @property
        def control(self) -> "SessionList":
            """The list that sent this message."""
            return self.sessions

    @dataclass
    class EndReached(Message):
        """The last of the listed sessions is highlighted: older ones may be wanted."""

        sessions: "SessionList"
        last: Session

    def __init__(self, environment: Environment, id: str | None = None) -> None:
        super().__init__(id=id)
        self.actions = SessionActions(environment, self)
        """What is done with the sessions."""
        self.archived = False
        """Whether the archive is listed."""
        self.order: SearchOrder = "newest"
        """Of what a search finds."""
        self.current = ""
        """The id of the session in view."""
        self._listed: list[Session] = []
        self._answering: Collection[str] = ()
        self._shown: tuple[object, ...] = ()
        self._today = date.today()

    def compose(self) -> ComposeResult:
        """Lay out the title, the search and the rows."""
        yield self.actions
        yield ListTitle()
        yield SearchBox(id="chats-search")
        yield Static("Nothing yet. What you ask is kept here.", id="chats-empty", markup=False)
        yield ChatOptions(id="chats-rows", markup=False)

    @property
    def rows(self) -> ChatOptions:
        """The rows."""
        return self.query_one(ChatOptions)

    @property
    def _row_width(self) -> int:
        return self.rows.scrollable_content_region.width - 2

    @property
    def box(self) -> SearchBox:
        """Where a person types what to look for."""
        return self.query_one(SearchBox)

    @property
    def target(self) -> str:
        """The id of the session that is meant: the highlighted one, or that in view while the person is elsewhere."""
        option = self.rows.highlighted_option
        if self.has_focus_within and option is not None and option.id is not None:
            return option.id.partition(" ")[0]
        return self.current

    def on_resize(self) -> None:
        """Rows are as long as there is room."""
        if self._listed and not self.box.value.strip():
            self.show_sessions()

    def show(
        self, sessions: Sequence[Session], current: str, answering: Collection[str], today: date | None = None
    ) -> None:
        """List sessions, unless a search is shown.

        Args:
            sessions: What to list, in this order.
            current: The id of the session that is open.
            answering: Ids of those whose reply is still being written.
            today: For the headings; the date of now unless given.
        """
        self._listed, self._answering, self.current = list(sessions), frozenset(answering), current
        self._today = today or date.today()
        if not self.box.value.strip():
            self.show_sessions()

    def show_sessions(self) -> None:
        """Show the sessions that were listed last."""
        sessions = self._listed
        shown = (*sessions, self.current, self._answering, self._today, self.archived, self._row_width)
        if shown == self._shown:
            return
        self._shown = shown
        self._say(
            "archive" if self.archived else "chats",
            f"{len(sessions)}",
            "The archive is empty. alt+a puts chats here."
            if self.archived
            else "Nothing yet. What you ask is kept here.",
            bool(sessions),
        )
        rows = self.rows
        highlighted = rows.highlighted_option
        keep = highlighted.id if highlighted is not None and self.has_focus_within else self.current
        place = rows.highlighted
        rows.set_options(session_options(sessions, self.current, self._answering, self._today, self._row_width))
        listed = {session.id for session in sessions}
        wanted = next((id for id in (keep, self.current) if id in listed), None)
        if wanted is not None:
            rows.highlighted = rows.get_option_index(wanted)
        elif sessions:
            # The one that was there is gone: stay near its place.
            last = rows.option_count - 1
            near = min(place or 0, last)
            rows.highlighted = near if rows.get_option_at_index(near).id else min(near + 1, last)

    def show_found(self, titled: Sequence[Session], hits: Sequence[SearchHit]) -> None:
        """Show what a search has found."""
        self._shown = ()
        more = "+" if len(hits) >= SessionActions.MOST_HITS else ""
        order = "newest first" if self.order == "newest" else "best first"
        self._say("found", f"{len(titled) + len(hits)}{more} · {order}", "Nothing is found.", bool(titled or hits))
        self.rows.set_options(hit_options(titled, hits, self.current, self._today, self._row_width))
        if titled or hits:
            self.rows.highlighted = 0
        self.rows.scroll_home(animate=False)

    def show_failure(self, text: str) -> None:
        """Say why nothing can be found."""
        self._shown = ()
        self._say("found", "", text, False)
        self.rows.clear_options()

    def find(self, text: str) -> None:
        """Go to the search, for these words if there are any."""
        if text:
            self.box.value = text
        self.box.focus()
        self.box.cursor_position = len(self.box.value)

    def _say(self, title: str, count: str, empty: str, some: bool) -> None:
        self.query_one(ListTitle).show(title, count)
        nothing = self.query_one("#chats-empty", Static)
        nothing.update(empty)
        nothing.display = not some

    def on_click(self, event: events.Click) -> None:
        """List what can be done with chats, if that is wanted."""
        if wanted := MenuWanted.by(event, "sessions"):
            self.post_message(wanted)

    @on(Input.Changed)
    def _search_changed(self, event: Input.Changed) -> None:
        event.stop()
        searching = bool(event.value.strip())
        self.set_class(searching, "-searching")
        if searching:
            self.actions.search(event.value)
        else:
            self.actions.stop_search()
            self._shown = ()
            self.show_sessions()

    @on(SearchBox.Left)
    async def _left_box(self, event: SearchBox.Left) -> None:
        event.stop()
        rows = self.rows
        if event.key == "enter":
            rows.action_select()
            return
        match event.key:
            case "up":
                rows.action_cursor_up()
            case "down":
                rows.action_cursor_down()
            case page:
                await rows.run_action("page_up" if page == "pageup" else "page_down")

    @on(ChatOptions.Typed)
    def _typed(self, event: ChatOptions.Typed) -> None:
        event.stop()
        self.box.focus()
        self.box.insert_text_at_cursor(event.character)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            session_id, _, message_id = event.option_id.partition(" ")
            self.post_message(self.Chosen(self, session_id, message_id or None))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if self._listed and event.option_id == self._listed[-1].id and self.has_focus_within:
            self.post_message(self.EndReached(self, self._listed[-1]))
