"""How sessions and found messages look in the list of chats."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from rich.cells import cell_len
from textual.content import Content
from textual.widgets.option_list import Option

from mistral_tui.types.search import SearchHit
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import printable, printable_line

_LEAST_TITLE = 10
"""Cells of a title that its tags leave."""
_BEFORE_MATCH = 12
"""Characters of a snippet that are shown before its first match."""


def session_options(
    sessions: Sequence[Session], current: str, answering: Collection[str], today: date, width: int
) -> list[Option]:
    """Return rows of this width: those that are pinned, then the others under the day on which they were last used."""
    options: list[Option] = []
    heading = ""
    for session in sessions:
        day = "pinned" if session.pinned else _day(session.updated_at, today)
        if day != heading:
            heading = day
            options.append(Option(Content.styled(day, "$text-disabled"), disabled=True))
        options.append(Option(_title(session, current, session.id in answering, width), id=session.id))
    return options


def hit_options(
    titled: Sequence[Session], hits: Sequence[SearchHit], current: str, today: date, width: int
) -> list[Option]:
    """Return chats by their titles, in rows of this width, then rows of two lines: the chat, and the words found."""
    options = [Option(_title(session, current, False, width), id=session.id) for session in titled]
    if titled and hits:
        options.append(Option(Content.styled("messages", "$text-disabled"), disabled=True))
    for hit in hits:
        where = Content.assemble(
            (f"{_short_day(hit.created_at, today)}  ", "$text-disabled"),
            (printable_line(hit.session_title) or "untitled", "$text-muted"),
            ("  archived" if hit.archived else "", "$text-disabled"),
        )
        options.append(Option(where + Content("\n") + _snippet(hit), id=f"{hit.session_id} {hit.message_id}"))
    return options


def _snippet(hit: SearchHit) -> Content:
    pieces = [(printable(text).replace("\n", " ").replace("\t", " "), match) for text, match in hit.snippet]
    if pieces and not pieces[0][1] and len(pieces[0][0]) > _BEFORE_MATCH:
        # The match must be in view, however narrow the list is.
        pieces[0] = ("…" + pieces[0][0][-_BEFORE_MATCH:].lstrip(), False)
    styled = ((text, "bold $accent" if match else "$foreground") for text, match in pieces)
    return Content("  ") + Content.assemble(*styled)


def _title(session: Session, current: str, answering: bool, width: int) -> Content:
    title = Content.styled(
        printable_line(session.title) or "untitled", "$foreground" if session.id == current else "$text-muted"
    )
    mark, style = ("● ", "$accent") if answering else ("│ ", "$accent") if session.id == current else ("  ", "")
    private = "private " if session.private else ""
    tags = "".join(f" #{printable_line(tag)}" for tag in session.tags)
    # Tags are seen beside what there is room for of the title.
    room = max(_LEAST_TITLE, width - len(mark) - len(private) - cell_len(tags))
    if tags and title.cell_length > room:
        title = title.truncate(room, ellipsis=True)
    return Content.assemble((mark, style), (private, "$text-disabled"), title, (tags, "$text-disabled"))


def _day(moment: float, today: date) -> str:
    day = _date(moment)
    if day >= today:
        return "today"
    if day == today - timedelta(days=1):
        return "yesterday"
    if day > today - timedelta(days=7):
        return "this week"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"


def _short_day(moment: float, today: date) -> str:
    day = _date(moment)
    return f"{day:%d %b}" if day.year == today.year else f"{day:%b %Y}"


def _date(moment: float) -> date:
    try:
        return datetime.fromtimestamp(moment).date()
    except (OverflowError, ValueError, OSError):
        return date.min
