"""The real program in a real tmux: keys go in by their names, what is on the screen comes out as text.

`terminal.py` sees every byte that the program writes; here a terminal that people use says what they come to.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from tests.e2e.terminal import wait_for_ends

PATIENCE = 60.0
"""Seconds after which a condition that has not come true has failed."""


class Tmux:
    """The program with these arguments in the only pane of a tmux server of its own."""

    def __init__(self, *arguments: str, columns: int = 100, rows: int = 30) -> None:
        # Not in the test's own folder: the path of a socket may have about a hundred bytes only.
        self._folder = Path(tempfile.mkdtemp(prefix="tmux-"))
        # tmux 3.3 now and then never learns the status of what ran in a pane, so a shell writes it down.
        write_status = 'file=$1; shift; "$@"; echo $? >"$file"'
        shell = ("sh", "-c", write_status, "sh", str(self._folder / "status"))
        program = (*shell, sys.executable, "-m", "mistral_tui", *arguments)
        try:
            size = ("-x", str(columns), "-y", str(rows))
            # Without the option the last screen would be gone.
            self._tmux(
                "-f", "/dev/null", "new-session", "-d", *size, *program, ";", "set-option", "remain-on-exit", "on"
            )
            self._process = psutil.Process(int(self._tmux("display-message", "-p", "#{pane_pid}")))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """The screen as it is now."""
        return self._tmux("capture-pane", "-p")

    def type(self, text: str) -> None:
        """Send text as if it were typed."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Send keys by tmux's names for them, such as `Enter`, `C-n` and `M-h`."""
        self._tmux("send-keys", "--", *keys)

    def wait_for(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        self.wait_until(lambda: all(text in self.text for text in texts), f"{texts} on screen")

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until `condition` holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE:g} s for {what}; the screen:\n{self.text}")
            time.sleep(0.05)

    def wait_for_exit(self) -> int:
        """Wait until the program has ended and return its exit status."""
        self.wait_until(lambda: self._status, "the program's end")
        return int(self._status)

    def close(self) -> None:
        """End tmux, the program and what that started."""
        family = []
        with suppress(AttributeError, psutil.NoSuchProcess):
            family = [self._process, *self._process.children(recursive=True)]
        with suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_for_ends(family)
        shutil.rmtree(self._folder)

    @property
    def _status(self) -> str:
        file = self._folder / "status"
        return file.read_text().strip() if file.exists() else ""

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._folder / "socket"), *arguments]
        # Who runs the tests in tmux has a pane of another server in the environment.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE, check=True
        )
        return done.stdout
