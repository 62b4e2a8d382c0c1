"""Runs commands: quietly with a log, on the terminal, or in place of this process; and says how it went."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from scripts.steps.commands import Command, Remove
from scripts.steps.project import Project

_LINES_SHOWN = 60
"""How much of a failed command's output is shown; all of it is in the log."""


class StepFailed(Exception):
    """A command failed; the message says which, and `status` is what to exit with."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class Runner:
    """Runs the commands of one step, with one log file for all of them."""

    def __init__(self, project: Project, step: str) -> None:
        self.project = project
        self.root = Path(project.root)
        self.log = Path(project.logs) / f"{step}.log"
        self.verbose = project.env.get("VERBOSE", "") not in ("", "0")
        self._live = sys.stdout.isatty()
        self._started = False

    def say(self, text: str) -> None:
        """Print a line for the person."""
        print(text, flush=True)

    def run(self, action: Command | Remove) -> None:
        """Run one action.

        Raises:
            StepFailed: It failed; what it printed has been shown.
        """
        if isinstance(action, Remove):
            self._remove(action)
        elif action.output == "replace":
            self._replace(action)
        elif action.output == "terminal":
            self._run_on_terminal(action)
        else:
            self._run(action)

    def run_all(self, actions: list[Command | Remove]) -> None:
        """Run every action, also when one fails, and raise the first failure at the end.

        What follows a failure is still worth knowing: the type errors as well as the format.
        """
        failures: list[StepFailed] = []
        for action in actions:
            try:
                self.run(action)
            except StepFailed as failure:
                failures.append(failure)
                self.say(f"error: {failure}")
        if failures:
            raise StepFailed("", failures[0].status)

    def _run(self, command: Command) -> None:
        streaming = self.verbose or command.output == "both"
        if streaming:
            self.say(f"{command.title} …")
        began = time.monotonic()
        with self._open_log(command) as log:
            where = log.tell()
            status = self._stream(command, log) if streaming else self._wait_quietly(command, log)
        if status != 0:
            if not streaming:
                self._show_tail(where)
            raise StepFailed(f"{command.title} failed (exit status {status}); the whole output is in {self._log_name}")
        if not streaming:
            self.say(f"  {command.title}: done in {_duration(time.monotonic() - began)}")

    def _run_on_terminal(self, command: Command) -> None:
        self.say(f"{command.title} …")
        with self._start(command, None, None) as process:
            status = process.wait()
        if status != 0:
            raise StepFailed(f"{command.title} failed (exit status {status})")

    def _open_log(self, command: Command) -> IO[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        log = self.log.open("ab" if self._started else "wb")
        self._started = True
        log.write(f"$ {subprocess.list2cmdline(command.argv)}\n".encode())
        log.flush()
        return log

    def _start(self, command: Command, stdin: int | None, stdout: int | IO[bytes] | None) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command.argv,
                cwd=self.root,
                env={**self.project.env, **command.env},
                stdin=stdin,
                stdout=stdout,
                stderr=None if stdout is None else subprocess.STDOUT,
            )
        except OSError as error:
            raise StepFailed(f"{command.title} failed: cannot start {command.argv[0]}: {error.strerror}") from error

    def _wait_quietly(self, command: Command, log: IO[bytes]) -> int:
        title = command.title + (f" ({command.note})" if command.note else "")
        if command.note and not self._live:
            self.say(f"  {title} …")
        began = time.monotonic()
        with self._start(command, subprocess.DEVNULL, log) as process:
            while True:
                try:
                    status = process.wait(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    self._redraw(f"  {_clock(time.monotonic() - began)}  {title} …")
        self._redraw("")
        return status

    def _redraw(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(f"\r\x1b[K{text[:width]}")
            sys.stdout.flush()

    def _stream(self, command: Command, log: IO[bytes]) -> int:
        with self._start(command, None, subprocess.PIPE) as process:
            assert process.stdout is not None
            while chunk := os.read(process.stdout.fileno(), 65536):
                log.write(chunk)
                sys.stdout.buffer.write(chunk)
                sys.stdout.flush()
        return process.returncode

    def _show_tail(self, where: int) -> None:
        with self.log.open("rb") as log:
            log.seek(where)
            lines = log.read().decode("utf-8", "replace").splitlines()
        if len(lines) > _LINES_SHOWN:
            self.say(f"  … {len(lines) - _LINES_SHOWN} lines more in {self._log_name}")
        for line in lines[-_LINES_SHOWN:]:
            self.say(f"  {line}")

    @property
    def _log_name(self) -> str:
        return str(self.log.relative_to(self.root))

    def _replace(self, command: Command) -> None:
        env = {**self.project.env, **command.env}
        sys.stdout.flush()
        if self.project.platform == "windows":
            # An exec there ends this process at once, and the shell would take the terminal back.
            raise SystemExit(subprocess.call(command.argv, cwd=self.root, env=env))
        os.chdir(self.root)
        try:
            os.execve(command.argv[0], command.argv, env)
        except OSError as error:
            raise StepFailed(f"{command.title} failed: cannot start {command.argv[0]}: {error.strerror}") from error

    def _remove(self, action: Remove) -> None:
        found = [path for pattern in action.patterns for path in Path(action.root).glob(pattern)]
        for path in found:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            if path.exists():
                raise StepFailed(f"{action.title} failed: cannot delete {path}; is a program still using it?")
        self.say(f"  {action.title}: {len(found)} removed")


def _clock(seconds: float) -> str:
    return "{}:{:02d}".format(*divmod(int(seconds), 60))


def _duration(seconds: float) -> str:
    return f"{_clock(seconds)} min" if seconds >= 60 else f"{seconds:.1f} s"
