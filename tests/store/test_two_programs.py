"""Two programs on one database, and one that is killed."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mistral_tui.store.rows import INTERRUPTED
from mistral_tui.store.store import Store
from mistral_tui.store.writers import is_alive, this_process
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session

pytestmark = pytest.mark.core

WRITER = """
import sys
from pathlib import Path
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session

store = Store(Path(sys.argv[1]), busy_limit=30)
session = Session(title=sys.argv[2])
for number in range(100):
    store.save(session, [Message("user", (TextPart(f"{sys.argv[2]} {number}"),))])
"""

HALF_A_REPLY = """
import sys
from pathlib import Path
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session

Store(Path(sys.argv[1])).save(Session(id="s"), [Message("assistant", (TextPart("Half a"),), id="reply")])
print("written", flush=True)
sys.stdin.read()
"""


def start(script: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_two_programs_begin_one_database_and_write_to_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    programs = [start(WRITER, str(path), name) for name in ("first", "second")]
    for program in programs:
        program.communicate(timeout=60)
        assert program.returncode == 0
    store = Store.open(path)
    for session in store.sessions():
        assert [message.text for message in store.messages(session.id)] == [
            f"{session.title} {number}" for number in range(100)
        ]
    assert {session.title for session in store.sessions()} == {"first", "second"}


def test_a_reply_is_interrupted_once_its_writer_is_dead_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    program = start(HALF_A_REPLY, str(path))
    assert program.stdout is not None
    assert program.stdout.readline() == "written\n"
    store = Store.open(path)
    (growing,) = store.messages("s")
    assert (growing.text, growing.finish) == ("Half a", None)
    assert store.search("half") == []
    program.kill()
    program.communicate(timeout=30)
    (interrupted,) = store.messages("s")
    assert (interrupted.text, interrupted.finish, interrupted.error) == ("Half a", "failed", INTERRUPTED)
    assert [hit.message_id for hit in store.search("half")] == ["reply"]


def test_a_reply_of_this_process_is_not_interrupted(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sessions.db")
    reply = Message("assistant", (TextPart("Half a"),))
    store.save(Session(id="s"), [reply])
    assert store.messages("s") == [reply]


def test_a_process_is_known_by_its_start_too() -> None:
    assert is_alive(this_process())
    pid, start_time, host = this_process().split(":", 2)
    assert not is_alive(f"{pid}:{float(start_time) - 60:.2f}:{host}")
    assert not is_alive(f"{pid}:{start_time}:elsewhere")
    assert not is_alive(f"{max(psutil.pids()) + 100_000}:{start_time}:{host}")
    for nonsense in (None, "", "a:b:c", "1"):
        assert not is_alive(nonsense)
