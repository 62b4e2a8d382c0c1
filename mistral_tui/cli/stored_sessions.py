"""What the commands on sessions share: the database, finding a session, printing."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from mistral_tui.chat.conversation import Conversation
from mistral_tui.cli.failures import say
from mistral_tui.config.paths import Paths
from mistral_tui.store.store import Store
from mistral_tui.types.errors import StoreError
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import printable_line

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionName = Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id, or `latest`.")]


@contextlib.contextmanager
def opened_store() -> Iterator[Store]:
    """Lend the store, and say what became of its file."""
    store = Store(Paths.resolve().database)
    try:
        yield store
    finally:
        store.close()
        for notice in store.notices:
            say("note", notice)


def find(store: Store, wanted: str, deleted: bool = False) -> Session:
    """Return the session that a person means.

    Args:
        store: Where it is.
        wanted: The beginning of its id, or `latest`.
        deleted: Whether it is one that was deleted.

    Raises:
        StoreError: There is none, or several.
    """
    if wanted == "latest":
        latest = next(iter(store.deleted_sessions()), None) if deleted else store.latest_session()
        matches = [] if latest is None else [latest]
    else:
        matches = store.sessions_beginning(wanted, deleted) if wanted else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise StoreError(f"{len(matches)} sessions begin with {wanted!r}; write more of the id")
    shown_by = "sessions list --deleted" if deleted else "sessions list"
    raise StoreError(f"there is no session {wanted!r}; `mistral-tui {shown_by}` shows them")


def stored_conversation(store: Store, session: Session) -> Conversation:
    """Return a session with all that was said and called in it."""
    return Conversation(session, store.messages(session.id), store.tool_runs(session.id))


def print_json(document: object) -> None:
    """Print a document, escaped for a terminal: JSON leaves the controls above U+0080 as they are."""
    print(json.dumps(document, ensure_ascii=sys.stdout.isatty(), indent=2))


def line_of(session: Session) -> str:
    """Return a session as a line of a list."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(session.updated_at))
    marks = " [pinned]" * session.pinned + "".join(f" #{printable_line(tag)}" for tag in session.tags)
    return f"{session.id[:8]}  {when}  {printable_line(session.title) or '(without a title)'}{marks}"
