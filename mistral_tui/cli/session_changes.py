"""`mistral-tui sessions rename|tag|pin|archive|delete|undelete`."""

import time
from typing import Annotated

import typer

from mistral_tui.chat.export.json_documents import session_fields
from mistral_tui.chat.library import KEPT_DELETED
from mistral_tui.chat.purging import purge
from mistral_tui.cli.failures import say
from mistral_tui.cli.stored_sessions import Json, SessionName, find, line_of, opened_store, print_json
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.sessions import Session, tags_from, title_from


def add_to(app: typer.Typer) -> None:
    """Add these commands to those on sessions."""
    for command in (rename, tag, pin, archive, delete, undelete):
        app.command(command.__name__)(command)


def rename(
    session: SessionName, title: Annotated[list[str], typer.Argument(help="Its new title.")], as_json: Json = False
) -> None:
    """Give a session another title."""
    line = title_from(" ".join(title))
    if not line:
        raise InvalidRequest("the title is empty; write a few words")
    with opened_store() as store:
        found = find(store, session)
        store.rename(found.id, line)
        _show(store, found, as_json)


def tag(
    session: SessionName,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to add.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A tag to take away.")] = None,
    as_json: Json = False,
) -> None:
    """Add tags to a session, or take some away."""
    with opened_store() as store:
        found = find(store, session)
        gone = tags_from(" ".join(remove or []))
        kept = [each for each in found.tags if each not in gone]
        store.tag(found.id, tags_from(" ".join([*kept, *(tags or [])])))
        _show(store, found, as_json)


def pin(
    session: SessionName,
    off: Annotated[bool, typer.Option("--off", help="No longer.")] = False,
    as_json: Json = False,
) -> None:
    """List a session before the others."""
    with opened_store() as store:
        found = find(store, session)
        store.pin(found.id, not off)
        _show(store, found, as_json)


def archive(
    session: SessionName,
    off: Annotated[bool, typer.Option("--off", help="Put it back into the list.")] = False,
    as_json: Json = False,
) -> None:
    """Take a session out of the list; search finds it all the same."""
    with opened_store() as store:
        found = find(store, session)
        store.archive(found.id, not off)
        _show(store, found, as_json)


def delete(
    sessions: Annotated[list[str], typer.Argument(metavar="ID…", help="The beginnings of their ids.")],
    now: Annotated[bool, typer.Option("--now", help="For good, with their files; nothing brings them back.")] = False,
    as_json: Json = False,
) -> None:
    """Delete sessions; for a day, `undelete` brings them back."""
    with opened_store() as store:
        found = {session.id: session for session in (_find_to_delete(store, wanted, now) for wanted in sessions)}
        for session in found.values():
            # Far in the past: the next line removes these and no others.
            store.delete(session.id, 0.0 if now else time.time())
        if now:
            purge(store, 1.0)
        else:
            purge(store, time.time() - KEPT_DELETED)
    if as_json:
        print_json([session_fields(session) for session in found.values()])
    elif not now:
        for session in found.values():
            say("note", f"`mistral-tui sessions undelete {session.id[:8]}` brings “{session.title}” back, for a day")


def undelete(session: SessionName, as_json: Json = False) -> None:
    """Bring a deleted session back."""
    with opened_store() as store:
        found = find(store, session, deleted=True)
        store.undelete(found.id)
        _show(store, found, as_json)


def _find_to_delete(store: Store, wanted: str, now: bool) -> Session:
    if now and not store.sessions_beginning(wanted):
        # What was deleted before can be removed for good, too.
        gone = store.sessions_beginning(wanted, deleted=True)
        if len(gone) == 1:
            return gone[0]
    return find(store, wanted)


def _show(store: Store, session: Session, as_json: bool) -> None:
    now = store.session(session.id)
    if as_json:
        print_json({"schema_version": 1, **session_fields(now)})
    else:
        print(line_of(now))
