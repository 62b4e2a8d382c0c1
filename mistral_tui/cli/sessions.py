"""`mistral-tui sessions`: what is stored."""

import sys
import time
from typing import Annotated

import msgspec
import typer

from mistral_tui.chat.export.json_documents import conversation_fields, session_fields
from mistral_tui.cli import session_changes, session_files
from mistral_tui.cli.stored_sessions import (
    Json,
    SessionName,
    find,
    line_of,
    opened_store,
    print_json,
    stored_conversation,
)
from mistral_tui.types.messages import Attachment, Message, ToolCallPart
from mistral_tui.types.search import SearchHit, SearchOrder
from mistral_tui.types.text import printable, printable_line

sessions_app = typer.Typer(
    help="The sessions that are stored.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@sessions_app.command("list")
def list_sessions(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 50,
    tag: Annotated[str | None, typer.Option("--tag", help="Those with this tag only.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that `undelete` can bring back.")] = False,
    as_json: Json = False,
) -> None:
    """List the sessions: those that are pinned, then the others, the latest first."""
    with opened_store() as store:
        if deleted:
            sessions = [session for session in store.deleted_sessions() if tag is None or tag in session.tags][:limit]
        else:
            sessions = store.sessions(limit=limit, archived=archived, tag=None if tag is None else _tag(tag))
    if as_json:
        print_json([session_fields(session) for session in sessions])
        return
    for session in sessions:
        print(line_of(session))


@sessions_app.command("show")
def show(session: SessionName = "latest", as_json: Json = False) -> None:
    """Print a session: the branch that was last written to."""
    with opened_store() as store:
        found = find(store, session)
        conversation = stored_conversation(store, found)
    if as_json:
        print_json(conversation_fields(conversation))
        return
    show_as_text = printable if sys.stdout.isatty() else str
    for message in conversation.path():
        print(show_as_text(_as_text(message)), end="\n\n")


@sessions_app.command("search")
def search(
    words: Annotated[
        list[str],
        typer.Argument(
            help='All must occur. Also: "a phrase", tag:work, model:llama, before:2025-06-01, after:2025.',
        ),
    ],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 50,
    relevance: Annotated[bool, typer.Option("--relevance", help="The best first, not the newest.")] = False,
    as_json: Json = False,
) -> None:
    """Print the messages in which words occur, the newest first."""
    order: SearchOrder = "relevance" if relevance else "newest"
    # An argument with spaces was quoted in the shell: it is a phrase.
    text = " ".join(f'"{word}"' if " " in word and ":" not in word and '"' not in word else word for word in words)
    with opened_store() as store:
        hits = store.search(text, limit, order)
    if as_json:
        print_json([_plain_hit(hit) for hit in hits])
        return
    for hit in hits:
        print(_hit_line(hit))


def _tag(text: str) -> str:
    return text.casefold().lstrip("#")


def _plain_hit(hit: SearchHit) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(hit)
    return {**plain, "snippet": [{"text": text, "match": match} for text, match in hit.snippet]}


def _hit_line(hit: SearchHit) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(hit.created_at))
    bold = sys.stdout.isatty()
    pieces = ((printable(text).replace("\n", " "), match) for text, match in hit.snippet)
    snippet = "".join(f"\x1b[1m{text}\x1b[0m" if match and bold else text for text, match in pieces)
    return f"{hit.session_id[:8]}  {when}  {printable_line(hit.session_title)}: {snippet}"


def _as_text(message: Message) -> str:
    files = "".join(f" [{part.name}]" for part in message.parts if isinstance(part, Attachment))
    ending = "" if message.finish in (None, "stop") else f"\n({message.error or message.finish})"
    calls = "".join(f"\n→ {part.name} {part.arguments}" for part in message.parts if isinstance(part, ToolCallPart))
    return f"{message.role}{files}:\n{message.text}{calls}{ending}"


session_changes.add_to(sessions_app)
session_files.add_to(sessions_app)
