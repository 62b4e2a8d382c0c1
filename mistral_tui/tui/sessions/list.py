"""The list of chats: the newest first, under the day they were last used."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.tui.actions import bindings
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import printable_line


class ChatOptions(OptionList, inherit_bindings=False):
    """The rows of the list."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("chats")


class SessionList(Vertical):
    """Shows sessions and says which one the person wants."""

    @dataclass
    class Chosen(Message):
        """The person wants this chat."""

        sessions: "SessionList"
        session_id: str

        @property
        def control(self) -> "SessionList":
            """The list that sent this message."""
            return self.sessions

    @dataclass
    class EndReached(Message):
        """The last of the listed sessions is highlighted: older ones may be wanted."""

        sessions: "SessionList"
        last: Session

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listed: list[Session] = []
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """Lay out the title and the rows."""
        yield Static("chats", id="chats-title", markup=False)
        yield Static("Nothing yet. What you ask is kept here.", id="chats-empty", markup=False)
        yield ChatOptions(id="chats-rows", markup=False)

    @property
    def rows(self) -> ChatOptions:
        """The rows."""
        return self.query_one(ChatOptions)

    def show(
        self, sessions: Sequence[Session], current: str, answering: Collection[str], today: date | None = None
    ) -> None:
        """List sessions.

        Args:
            sessions: What to list, newest first.
            current: The id of the session that is open.
            answering: Ids of those whose reply is still being written.
            today: For the headings; the date of now unless given.
        """
        today = today or date.today()
        shown = (*((s.id, s.title, s.updated_at) for s in sessions), current, frozenset(answering), today)
        if shown == self._shown:
            return
        self._shown = shown
        self._listed = list(sessions)
        rows = self.rows
        highlighted = rows.highlighted_option
        keep = highlighted.id if highlighted is not None and rows.has_focus else current
        count = Content.styled(f"  {len(sessions)}", "$text-disabled")
        self.query_one("#chats-title", Static).update(Content("chats") + count)
        self.query_one("#chats-empty").display = not sessions
        options: list[Option] = []
        heading = ""
        for session in sessions:
            day = _day(session.updated_at, today)
            if day != heading:
                heading = day
                options.append(Option(Content.styled(day, "$text-disabled"), disabled=True))
            options.append(Option(_title(session, current, session.id in answering), id=session.id))
        rows.set_options(options)
        listed = {session.id for session in sessions}
        wanted = next((id for id in (keep, current) if id in listed), sessions[0].id if sessions else None)
        if wanted is not None:
            rows.highlighted = rows.get_option_index(wanted)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(self, event.option_id))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if self._listed and event.option_id == self._listed[-1].id and self.rows.has_focus:
            self.post_message(self.EndReached(self, self._listed[-1]))


def _title(session: Session, current: str, answering: bool) -> Content:
    title = printable_line(session.title) or "untitled"
    mark, style = ("● ", "$accent") if answering else ("│ ", "$accent") if session.id == current else ("  ", "")
    private = "private " if session.private else ""
    return Content.assemble(
        (mark, style), (private, "$text-disabled"), (title, "$foreground" if session.id == current else "$text-muted")
    )


def _day(moment: float, today: date) -> str:
    day = datetime.fromtimestamp(moment).date()
    if day >= today:
        return "today"
    if day == today - timedelta(days=1):
        return "yesterday"
    if day > today - timedelta(days=7):
        return "this week"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
