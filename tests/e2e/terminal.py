"""A pseudo-terminal with a screen: starts the real program in it, types, and reads what a person would see.

Nothing here sleeps: whoever waits names a condition and a deadline, and gets the screen in the error message.
"""

import contextlib
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil
import pyte

PATIENCE = 60.0
"""Seconds after which a condition that has not come true has failed."""

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f9": "\x1b[20~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "delete": "\x1b[3~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "backspace": "\x7f",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
    **{f"alt+{letter}": f"\x1b{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"},
}

_NOT_FOR_PYTE = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[ -/]*[@-~]"  # private markers other than `?`: the Kitty keyboard protocol
    rb"|\x1b\[\?[0-9;]*\$p"  # questions about modes
    rb"|\x1b[P_^X\]][^\x07\x1b]*(?:\x07|\x1b\\)"  # device control and operating system strings
)
"""Sequences that pyte would show as text or misread."""
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[P_^X\]][^\x07\x1b]*\x1b?)?$")


class Terminal:
    """One program in a pseudo-terminal of its own.

    Args:
        command: The program and its arguments.
        rows: Height of the screen.
        columns: Width of the screen.
        environment: Variables on top of this process's own.
        folder: Where the program starts.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        rows: int = 36,
        columns: int = 120,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        """Every byte that reached the terminal."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._shown = 0
        """How many bytes of `raw` are on the screen."""
        self._master, slave = os.openpty()
        self._set_size(rows, columns)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})},
            preexec_fn=_lead_session,  # the pseudo-terminal must be the controlling one, so that ctrl+c is a signal
        )
        os.close(slave)

    @classmethod
    def mistral_tui(
        cls, *arguments: str, rows: int = 36, columns: int = 120, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start the program with these arguments."""
        command = [sys.executable, "-m", "mistral_tui", *arguments]
        return cls(command, rows=rows, columns=columns, environment=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def lines(self) -> list[str]:
        """The screen as it is now, without trailing spaces."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The screen as one string."""
        return "\n".join(self.lines)

    def type(self, text: str) -> None:
        """Send text as if it were typed."""
        self._write(text.encode())

    def press(self, *keys: str) -> None:
        """Send keys by their names in `KEYS`."""
        for key in keys:
            self._write(KEYS[key].encode())

    def paste(self, text: str) -> None:
        """Send text as a bracketed paste."""
        self._write(b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal and tell the program."""
        self.screen.resize(rows, columns)
        self._set_size(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def wait_for(self, text: str, patience: float = PATIENCE) -> None:
        """Wait until `text` is on the screen, blanks and line breaks counting as one blank."""
        wanted = " ".join(text.split())
        self.wait_until(lambda: wanted in " ".join(self.text.split()), f"{text!r} on screen", patience)

    def wait_until(self, condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Wait until `condition` holds, reading what the program writes meanwhile."""
        deadline = time.monotonic() + patience
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"waited {patience:g} s for {what}; the screen:\n{self.text}")
            if not self.read(min(left, 0.05)) and self.process.poll() is not None and not condition():
                raise AssertionError(f"exit {self.process.returncode} before {what}; the screen:\n{self.text}")

    def wait_for_exit(self, patience: float = PATIENCE) -> int:
        """Wait until the program has ended and return its exit status."""
        self.wait_until(lambda: self.process.poll() is not None, "the program's end", patience)
        while self.read(0.05):
            pass
        return self.process.returncode

    def read(self, seconds: float) -> bool:
        """Read once what the program has written; wait at most `seconds` for it. Returns whether there was any."""
        seen = len(self.raw)
        self.read_raw(seconds)
        self._feed()
        return len(self.raw) > seen

    def read_for(self, seconds: float) -> None:
        """Read what the program writes in the next `seconds`: for what has no condition to wait for."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(left)

    def read_raw(self, seconds: float) -> None:
        """Read as `read` does, but leave the screen as it is until the next `read`: that takes milliseconds."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            with contextlib.suppress(OSError):  # Linux reports the end of the program this way
                self.raw += os.read(self._master, 65536)

    def family(self) -> list[psutil.Process]:
        """Return the program's process and all its descendants that are alive."""
        try:
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        """Return the program's engine workers."""
        return [process for process in self.family() if "mistral_tui.engines.worker.main" in _command_line(process)]

    def kill(self) -> None:
        """`kill -9` the program (not its workers)."""
        self.process.kill()
        self.process.wait()

    def hang_up(self) -> int:
        """Take the terminal away, as closing its window does, and return the program's exit status."""
        os.close(self._master)
        self._master = -1
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the program and everything it started."""
        family = self.family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        wait_for_ends(family)
        with contextlib.suppress(OSError):
            os.close(self._master)

    def _write(self, data: bytes) -> None:
        # A large paste fills the pseudo-terminal's buffer: keep reading, or both sides would wait for ever.
        while data:
            _, writable, _ = select.select([], [self._master], [], 0.05)
            if writable:
                data = data[os.write(self._master, data[:1024]) :]
            self.read_raw(0)

    def _feed(self) -> None:
        data = bytes(self.raw[self._shown :])
        unfinished = _UNFINISHED.search(data)
        complete = data[: unfinished.start()] if unfinished else data
        self._shown += len(complete)
        self._stream.feed(_NOT_FOR_PYTE.sub(b"", complete))

    def _set_size(self, rows: int, columns: int) -> None:
        import fcntl  # not on Windows, where no pseudo-terminal test runs
        import termios

        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def wait_for_ends(processes: Sequence[psutil.Process], patience: float = 2.0) -> None:
    """Wait until none of these processes runs any more."""
    deadline = time.monotonic() + patience
    while running := [process for process in processes if _runs(process)]:
        if time.monotonic() > deadline:
            raise AssertionError(f"still running after {patience:g} s: {running}")
        time.sleep(0.01)


def _runs(process: psutil.Process) -> bool:
    try:
        # What has ended stays a zombie until its parent, perhaps a slow init, has looked at it.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _lead_session() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
