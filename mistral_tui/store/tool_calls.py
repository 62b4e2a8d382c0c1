"""How the calls of tools lie in their table."""

import sqlite3
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from mistral_tui.store.writers import is_alive, this_process
from mistral_tui.types.tools import Approval, RunState, ToolOutput, ToolRun

INTERRUPTED = "the program ended before the call did"

_COLUMNS = (
    "id, message_id, tool_name, arguments_json, result_json, error_message, duration_ms, created_at, "
    "call_id, server, tool, state, approval"
)
_STATES: tuple[RunState, ...] = get_args(RunState)
_APPROVALS: tuple[Approval, ...] = get_args(Approval)


def write_run(connection: sqlite3.Connection, session_id: str, run: ToolRun) -> None:
    """Insert or replace a call; that of a message that is not there any more is left out."""
    connection.execute(
        f"INSERT INTO tool_calls ({_COLUMNS}, session_id, success, writer) "
        "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
        "WHERE EXISTS (SELECT 1 FROM messages WHERE id = ?2 AND session_id = ?14) "
        "ON CONFLICT (id) DO UPDATE SET result_json = excluded.result_json, error_message = excluded.error_message, "
        "duration_ms = excluded.duration_ms, state = excluded.state, approval = excluded.approval, "
        "success = excluded.success, writer = excluded.writer",
        (
            run.id,
            run.message_id,
            run.name,
            run.arguments,
            None if run.output is None else msgspec.json.encode(run.output).decode(),
            run.error or None,
            run.seconds * 1000,
            run.started_at,
            run.call_id,
            run.server,
            run.tool,
            run.state,
            run.approval,
            session_id,
            run.state == "done" if run.over else None,
            None if run.over else this_process(),
        ),
    )


def runs_of(connection: sqlite3.Connection, session_id: str) -> list[ToolRun]:
    """Return the calls of a session in their order; one whose program died has ended."""
    found = connection.execute(
        f"SELECT {_COLUMNS}, writer FROM tool_calls WHERE session_id = ? ORDER BY created_at, rowid", (session_id,)
    ).fetchall()
    return [_run_from(row) for row in found]


def ended(run: ToolRun) -> ToolRun:
    """Return a call that nobody makes any more."""
    return run if run.over else msgspec.structs.replace(run, state="cancelled", error=INTERRUPTED)


def _run_from(row: Sequence[Any]) -> ToolRun:
    """Read a row; one of a damaged database becomes something that can be shown."""
    run_id, message_id, name, arguments, output, error, milliseconds, created_at, *rest = row
    call_id, server, tool, state, approval, writer = rest
    run = ToolRun(
        id=str(run_id),
        call_id=str(call_id),
        message_id=str(message_id),
        name=str(name),
        server=str(server),
        tool=str(tool),
        arguments=str(arguments),
        state=state if state in _STATES else "failed",
        approval=approval if approval in _APPROVALS else "",
        started_at=float(created_at) if isinstance(created_at, int | float) else 0.0,
        seconds=milliseconds / 1000 if isinstance(milliseconds, int | float) else 0.0,
        output=_output(output),
        error=str(error or ""),
    )
    return run if is_alive(writer) else ended(run)


def _output(raw: Any) -> ToolOutput | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=ToolOutput)
    except (msgspec.DecodeError, TypeError):
        return None
