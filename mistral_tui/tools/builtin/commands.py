"""Commands that models run: in processes of their own, confined where the system can, with limits of every kind."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import psutil

from mistral_tui.processes.parent_death import CREATION_FLAGS, NEW_SESSION, bind_child
from mistral_tui.tools.builtin.confinement import what_is_missing
from mistral_tui.types.agent import AgentOptions
from mistral_tui.types.errors import ToolError
from mistral_tui.types.messages import TextPart
from mistral_tui.types.tools import ToolOutput

Shell = Literal["", "bash", "sh", "powershell", "cmd"]

MOST_MEMORY: Final = 4 << 30
"""Bytes that one process may have."""
SHOWN: Final = 100_000
"""Bytes that are kept of the beginning of what a command says, and as many of the end."""
MOST_OUTPUT: Final = 50_000_000
"""Bytes after which a command is ended."""
_END_SECONDS: Final = 1.5
_READ_BYTES: Final = 64 * 1024
_INHERITED: Final = (
    frozenset(("PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "SHELL"))
    | frozenset(("LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "LC_MONETARY"))
    | frozenset(
        ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "PROGRAMFILES")  # of Windows
    )
)


def why_no_commands(options: AgentOptions) -> str:
    """Return why no commands are run; empty: they are."""
    return what_is_missing() if options.sandbox == "strict" else ""


class Commands:
    """Runs commands in the sandbox root.

    Args:
        root: Where they begin.
        options: How they are confined.
    """

    def __init__(self, root: Path, options: AgentOptions) -> None:
        self._root = root
        self._options = options
        self._confined = options.sandbox != "none" and not what_is_missing()

    async def run(self, command: str, shell: Shell, seconds: int) -> ToolOutput:
        """Run a command of a shell. Cancelling this ends it.

        Raises:
            ToolError: There is no such shell, or it cannot be started.
        """
        return await self._run(_argv(command, shell), b"", seconds)

    async def run_python(self, code: str, seconds: int) -> ToolOutput:
        """Run a Python program. Cancelling this ends it.

        Raises:
            ToolError: It cannot be started.
        """
        return await self._run([sys.executable, "-u", "-"], code.encode("utf-8", "replace"), seconds)

    async def _run(self, argv: list[str], given: bytes, seconds: int) -> ToolOutput:
        with tempfile.TemporaryDirectory(prefix="mistral-tui-", ignore_cleanup_errors=True) as scratch:
            output = _Output()
            async with self._started(argv, given, scratch) as process:
                assert process.stdout is not None
                ended = ""
                try:
                    async with asyncio.timeout(seconds):
                        while chunk := await process.stdout.read(_READ_BYTES):
                            output.add(chunk)
                            if output.size > MOST_OUTPUT:
                                ended = f"it was ended: it said more than {MOST_OUTPUT:,} bytes"
                                break
                        else:
                            await process.wait()
                except TimeoutError:
                    ended = f"it was ended after {seconds} s"
            ended = ended or f"exit status {process.returncode}"
            said = output.text()
            return ToolOutput(
                (TextPart(f"{said}\n({ended})" if said else f"({ended})"),), failed=ended != "exit status 0"
            )

    @asynccontextmanager
    async def _started(
        self, argv: list[str], given: bytes, scratch: str
    ) -> AsyncGenerator[asyncio.subprocess.Process, None]:
        """Start a command; it has ended, with all that it started, when this is left."""
        if sys.platform != "win32":
            asked = {
                "argv": argv,
                "root": str(self._root),
                "scratch": scratch,
                "confined": self._confined,
                "memory": MOST_MEMORY,
                "environment": self._environment(scratch),
                "file_size": self._options.max_file_size,
            }
            launcher = (sys.executable, "-P", "-m", "mistral_tui.tools.builtin.launcher")
            argv = [*launcher, str(os.getpid()), json.dumps(asked)]
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self._root if sys.platform == "win32" else None,
                env=self._environment(scratch) if sys.platform == "win32" else None,
                start_new_session=NEW_SESSION,
                creationflags=CREATION_FLAGS,
            )
        except (OSError, ValueError) as error:
            raise ToolError(f"the command cannot be started: {error}") from None
        bind_child(process.pid)
        try:
            assert process.stdin is not None
            with suppress(ConnectionError):
                process.stdin.write(given)
                process.stdin.close()
            yield process
        finally:
            await asyncio.shield(_end(process))

    def _environment(self, scratch: str) -> dict[str, str]:
        """Return the variables of a command: few, since many hold secrets."""
        kept = {name: value for name, value in os.environ.items() if name.upper() in _INHERITED}
        quiet = {"TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat", "GIT_TERMINAL_PROMPT": "0"}
        home = str(Path.home()) if self._options.sandbox == "none" else scratch
        return {**kept, **quiet, "HOME": home, "USERPROFILE": home, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch}


class _Output:
    """The beginning and the end of what a command says."""

    def __init__(self) -> None:
        self.size = 0
        self._head = b""
        self._tail = b""

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        room = SHOWN - len(self._head)
        self._head += chunk[:room]
        self._tail = (self._tail + chunk[room:])[-SHOWN:]

    def text(self) -> str:
        missing = self.size - len(self._head) - len(self._tail)
        middle = f"\n… {missing:,} bytes left out …\n" if missing else ""
        return (self._head.decode("utf-8", "replace") + middle + self._tail.decode("utf-8", "replace")).strip("\n")


def _argv(command: str, shell: Shell) -> list[str]:
    if not shell:
        shell = "powershell" if sys.platform == "win32" else "bash" if shutil.which("bash") else "sh"
    program = shutil.which("pwsh") if shell == "powershell" else None
    program = program or shutil.which(shell)
    if program is None:
        raise ToolError(f"there is no {shell} on this machine; leave shell out")
    match shell:
        case "bash":
            return [program, "--noprofile", "--norc", "-c", command]
        case "powershell":
            return [program, "-NoProfile", "-NonInteractive", "-Command", command]
        case "cmd":
            return [program, "/d", "/c", command]
        case _:
            return [program, "-c", command]


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command with all that it started."""
    if process.returncode is not None and process.returncode >= 0:
        return  # the launcher has seen to it
    below = _below(process.pid)
    assert process.stdout is not None
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            while await process.stdout.read(_READ_BYTES):  # else nobody sees the end of it
                pass
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
    for each in (*below, *_below(process.pid)):
        with suppress(psutil.Error):
            each.kill()


def _below(pid: int) -> list[psutil.Process]:
    """Return what a process has started, and what is left of its session if it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return [] if sys.platform == "win32" else [each for each in psutil.process_iter() if _session(each.pid) == pid]


if sys.platform != "win32":

    def _session(pid: int) -> int:
        try:
            return os.getsid(pid)
        except OSError:
            return 0
