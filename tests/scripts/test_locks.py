"""Two builds at once wait for each other."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.steps.locks import exclusive

pytestmark = pytest.mark.core

HOLD_UNTIL_INPUT_ENDS = """
import sys
from pathlib import Path
from scripts.steps.locks import exclusive
with exclusive(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_INPUT_ENDS, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_holder_waits_for_the_first(tmp_path: Path) -> None:
    with holder(tmp_path / "a lock") as other:

        def let_go() -> None:
            assert other.stdin is not None
            other.stdin.close()

        with exclusive(tmp_path / "a lock", on_wait=let_go):
            assert other.wait(timeout=10) == 0


def test_a_killed_holder_holds_no_longer(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as other:
        other.kill()
        other.wait()
        with exclusive(tmp_path / "lock", on_wait=lambda: pytest.fail("the lock outlived its holder")):
            pass


def test_a_free_lock_is_taken_at_once(tmp_path: Path) -> None:
    for _ in range(2):
        with exclusive(tmp_path / "new folder" / "lock", on_wait=lambda: pytest.fail("nobody holds it")):
            pass
