"""`mistral-tui sessions export|import`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.formats import FORMATS, ExportFormat, exported, format_of, write_export
from mistral_tui.chat.importing.documents import ImportFailed
from mistral_tui.chat.importing.files import read_sessions
from mistral_tui.cli.failures import say
from mistral_tui.cli.stored_sessions import Json, find, opened_store, print_json, stored_conversation
from mistral_tui.config.paths import Paths
from mistral_tui.store.store import Store
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.sessions import Session
from mistral_tui.types.text import printable, printable_line

PAGE = 200
_OUTCOMES = {"added": "added", "copied": "added under a new id", "present": "is there already"}


def add_to(app: typer.Typer) -> None:
    """Add these commands to those on sessions."""
    app.command("export")(export)
    app.command("import")(import_sessions)


def export(
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="The beginnings of their ids; else the latest.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All sessions, archived ones too.")] = False,
    form: Annotated[
        str | None, typer.Option("--format", help="markdown, json, jsonl or html; else what the file's ending says.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file; else stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write sessions to a file: Markdown or HTML to read, JSON or JSONL with everything, to import again."""
    chosen = _format(form, output)
    with opened_store() as store:
        found = _all(store) if every else (find(store, wanted) for wanted in sessions or ["latest"])
        pieces = exported((stored_conversation(store, session) for session in found), chosen)
        if output is not None:
            write_export(output, pieces, force)
            return
        show = printable if sys.stdout.isatty() else str
        for piece in pieces:
            sys.stdout.write(show(piece))


def import_sessions(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="What was exported.")],
    as_json: Json = False,
) -> int:
    """Add sessions from files: our JSON and JSONL, exports of ChatGPT and Claude, oterm's store.db.

    What is there already is never changed.
    """
    outcomes = []
    failures = 0
    with opened_store() as store:
        for file in files:
            try:
                for found in read_sessions(file, Paths.resolve().attachments):
                    if isinstance(found, ImportFailed):
                        failures += 1
                        say("error", str(found))
                    elif len(found):
                        outcomes.append(_add(store, found, quiet=as_json))
            except ImportFailed as error:
                failures += 1
                say("error", str(error))
    if as_json:
        print_json({"schema_version": 1, "sessions": outcomes, "failed": failures})
    return 1 if failures else 0


def _add(store: Store, conversation: Conversation, quiet: bool) -> dict[str, object]:
    addition = store.add(conversation.session, conversation.messages, conversation.runs)
    title = printable_line(conversation.session.title) or "(without a title)"
    if not quiet:
        print(f"{addition.session_id[:8]}  {_OUTCOMES[addition.outcome]}  {title}")
    return {"id": addition.session_id, "outcome": addition.outcome, "title": conversation.session.title}


def _format(form: str | None, output: Path | None) -> ExportFormat:
    if form is None:
        return (None if output is None else format_of(output)) or "markdown"
    chosen = next((known for known in FORMATS if known == form.lower()), None)
    if chosen is None:
        raise InvalidRequest(f"there is no format {form!r}; there are {', '.join(FORMATS)}")
    return chosen


def _all(store: Store) -> Iterator[Session]:
    for archived in (False, True):
        last: Session | None = None
        while page := store.sessions(PAGE, before=last, archived=archived):
            yield from page
            last = page[-1]
