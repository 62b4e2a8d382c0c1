"""Signals, a closed window, a rest in the background, a fault: what was said and typed is kept, no process is left."""

import signal
import sys
from pathlib import Path

import psutil
import pytest

from mistral_tui.chat.drafts import WRITE_INTERVAL
from mistral_tui.store.store import Store
from tests.e2e.chatting import LONG, Start, ask, replies, wait_for_reply, wait_for_words
from tests.e2e.program import database
from tests.e2e.terminal import Terminal, wait_for_ends

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

DRAFT = "and what became of the"


MODES = (b"1049", b"1000", b"1003", b"1004")
"""Modes of a terminal that only a full screen uses: another screen, the mouse, the focus."""


def switched_on(terminal: Terminal) -> list[bool]:
    """Return which of the modes are on, and whether the cursor is hidden."""
    raw = bytes(terminal.raw)
    return [
        *(raw.rfind(b"\x1b[?%bh" % mode) > raw.rfind(b"\x1b[?%bl" % mode) for mode in MODES),
        raw.rfind(b"\x1b[?25l") > raw.rfind(b"\x1b[?25h"),
    ]


def as_found(terminal: Terminal) -> bool:
    """Return whether the terminal is as a shell wants it."""
    return not any(switched_on(terminal)) and terminal.raw.count(b"\x1b[<u") == terminal.raw.count(b"\x1b[>")


def draft() -> str:
    store = Store(database())
    (session,) = store.sessions()
    try:
        return str(store.ui_state(f"draft:{session.id}"))
    finally:
        store.close()


def begin(start: Start) -> Terminal:
    """Let a reply be written, and type the next prompt meanwhile."""
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 8)
    terminal.type(DRAFT)
    terminal.wait_until(lambda: DRAFT in terminal.text, "the draft")
    terminal.read_for(WRITE_INTERVAL + 0.1)
    return terminal


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_program_in_order(start: Start, number: signal.Signals) -> None:
    terminal = begin(start)
    family = terminal.family()
    terminal.process.send_signal(number)
    assert terminal.wait_for_exit() == 128 + number
    wait_for_ends(family)
    assert as_found(terminal)
    (reply,) = replies()
    assert reply.finish == "cancelled"
    assert len(reply.text.split()) >= 8
    assert draft() == DRAFT


def test_closing_the_window_ends_it_too(start: Start) -> None:
    terminal = begin(start)
    family = terminal.family()
    assert terminal.hang_up() == 128 + signal.SIGHUP
    wait_for_ends(family)
    assert replies()[0].finish == "cancelled"
    assert draft() == DRAFT


def test_a_terminal_that_took_nothing_and_goes_ends_it_too(start: Start) -> None:
    terminal = start(rows=50, columns=200)
    ask(terminal, LONG)
    wait_for_words(terminal, 3)
    while len(replies()[0].text) < 100:  # its words do not get through: nobody reads the terminal
        terminal.process.poll()
    assert terminal.hang_up() == 128 + signal.SIGHUP
    assert len(replies()[0].text) >= 100


def test_a_kill_keeps_the_draft(start: Start) -> None:
    terminal = begin(start)
    family = terminal.family()
    terminal.kill()
    wait_for_ends(family)
    assert draft() == DRAFT


@pytest.fixture
def shell(smollm2: Path, start: Start) -> Terminal:
    """Start the program from a shell with job control."""
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"])
    terminal.type(f"{sys.executable} -m mistral_tui --threads 1 -m {smollm2}\n")
    terminal.wait_for("Ask anything")
    return terminal


@pytest.mark.requires_program("bash")
@pytest.mark.parametrize("asked", ["by command", "by signal", "by force"])
def test_it_rests_and_comes_back(shell: Terminal, asked: str) -> None:
    with shell as terminal:
        ask(terminal, LONG)
        wait_for_words(terminal, 5)
        _, program, *_ = terminal.family()
        if asked == "by command":
            terminal.type("/suspend")
            terminal.press("enter")
        else:
            program.send_signal(signal.SIGTSTP if asked == "by signal" else signal.SIGSTOP)
        terminal.wait_for("Stopped")
        assert program.status() == psutil.STATUS_STOPPED
        assert asked == "by force" or as_found(terminal)
        terminal.type("echo $((6 * 7))\n")
        terminal.wait_for("42")
        terminal.screen.reset()
        terminal.type("fg\n")
        terminal.wait_for(LONG)
        assert all(switched_on(terminal))
        assert wait_for_reply(terminal).finish in ("stop", "length")
        terminal.wait_for(" ".join(replies()[0].text.split()[-3:]))
        terminal.type("here again")
        terminal.wait_for("here again")
        terminal.press("ctrl+q")
        wait_for_ends([program])
        terminal.type("echo status $?\n")
        terminal.wait_for("status 0")
        assert as_found(terminal)


def test_without_a_shell_it_does_not_rest(start: Start) -> None:
    terminal = start()
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.type("/suspend")
    terminal.press("enter")
    terminal.wait_for("no shell started this program")


def test_a_fault_is_one_line_and_costs_nothing(start: Start, smollm2: Path) -> None:
    faulty = "from mistral_tui.tui.app import MistralApp as app; app.action_help = lambda self: 1 / 0"
    command = f"import sys; {faulty}; from mistral_tui.cli.main import main; sys.exit(main())"
    with Terminal([sys.executable, "-c", command, "--threads", "1", "-m", str(smollm2)]) as terminal:
        terminal.wait_for("Ask anything")
        ask(terminal, LONG)
        wait_for_words(terminal, 8)
        terminal.press("f1")
        assert terminal.wait_for_exit() == 1
        after = bytes(terminal.raw).rpartition(b"\x1b[?1049l")[2]
        assert b"error: ZeroDivisionError: division by zero; run it again with --debug" in after
        assert b"Traceback" not in terminal.raw
        assert as_found(terminal)
        assert replies()[0].finish == "cancelled"


def test_nobody_is_too_quick_for_an_end_in_order(start: Start, smollm2: Path) -> None:
    for _ in range(4):
        with Terminal.mistral_tui("-m", str(smollm2)) as terminal:
            terminal.wait_until(lambda: b"\x1b[?2004h" in terminal.raw, "the terminal's modes")
            terminal.press("ctrl+q")
            assert terminal.wait_for_exit() == 0, terminal.text
