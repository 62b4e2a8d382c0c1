"""`mistral-tui sessions`: what is stored."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from mistral_tui.chat.conversation import Conversation
from mistral_tui.cli.failures import say
from mistral_tui.config.paths import Paths
from mistral_tui.store.store import Store
from mistral_tui.types.errors import StoreError
from mistral_tui.types.messages import Attachment, Message, ToolCallPart, encode_parts
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import printable, printable_line

SCHEMA_VERSION = 1
_ALL = 1_000_000

sessions_app = typer.Typer(
    help="The sessions that are stored.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@sessions_app.command("list")
def list_sessions(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the sessions, the latest first."""
    with _opened_store() as store:
        sessions = store.sessions(limit=limit)
    if as_json:
        _print_json([_plain(session) for session in sessions])
        return
    for session in sessions:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(session.updated_at))
        print(f"{session.id[:8]}  {when}  {printable_line(session.title) or '(without a title)'}")


@sessions_app.command("show")
def show(
    session: Annotated[str, typer.Argument(help="The beginning of its id, or `latest`.")] = "latest",
    as_json: Json = False,
) -> None:
    """Print a session: the branch that was last written to."""
    with _opened_store() as store:
        found = _find(store, session)
        conversation = Conversation(found, store.messages(found.id))
    if as_json:
        _print_json(
            {
                "schema_version": SCHEMA_VERSION,
                **_plain(conversation.session),
                "branch": [message.id for message in conversation.path()],
                "messages": [_plain_message(message) for message in conversation.messages],
            }
        )
        return
    show_as_text = printable if sys.stdout.isatty() else str
    for message in conversation.path():
        print(show_as_text(_as_text(message)), end="\n\n")


@contextlib.contextmanager
def _opened_store() -> Iterator[Store]:
    """Lend the store, and say what became of its file."""
    store = Store(Paths.resolve().database)
    try:
        yield store
    finally:
        store.close()
        for notice in store.notices:
            say("note", notice)


def _find(store: Store, wanted: str) -> Session:
    if wanted == "latest":
        matches = store.sessions(limit=1)
    else:
        matches = [session for session in store.sessions(limit=_ALL) if wanted and session.id.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise StoreError(f"{len(matches)} sessions begin with {wanted!r}; write more of the id")
    raise StoreError(f"there is no session {wanted!r}; `mistral-tui sessions list` shows them")


def _as_text(message: Message) -> str:
    files = "".join(f" [{part.name}]" for part in message.parts if isinstance(part, Attachment))
    ending = "" if message.finish in (None, "stop") else f"\n({message.error or message.finish})"
    calls = "".join(f"\n→ {part.name} {part.arguments}" for part in message.parts if isinstance(part, ToolCallPart))
    return f"{message.role}{files}:\n{message.text}{calls}{ending}"


def _plain(session: Session) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(session)
    del plain["private"]  # what is stored never is
    return plain


def _plain_message(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(message, parts=()))
    # Parts of a newer version are printed as they were stored.
    return {**plain, "parts": json.loads(encode_parts(message.parts))}


def _print_json(document: object) -> None:
    # Escaped for a terminal: JSON leaves the controls above U+0080 as they are.
    print(json.dumps(document, ensure_ascii=sys.stdout.isatty(), indent=2))
