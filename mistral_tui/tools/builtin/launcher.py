"""Starts a command, and ends with all that it started: `python -m mistral_tui.tools.builtin.launcher PARENT_PID JSON`.

Not used on Windows. A command may start processes that leave its process group; on Linux these become children of this
process when their own parents end, so that none gets away.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from mistral_tui.tools.builtin.confinement import confine, python_folders

_CANNOT_START: Final = 126
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main() -> NoReturn:
    """Run the command, and exit as it did."""
    parent, asked = int(sys.argv[1]), json.loads(sys.argv[2])
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGTERM, _end)
    if os.getppid() != parent:
        os._exit(_CANNOT_START)
    child = os.fork()
    if child == 0:
        _become(asked)
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except _Ended:
        status = -signal.SIGTERM
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_all(child)
    os._exit(status if status >= 0 else 128 - status)


class _Ended(Exception):
    pass


def _end(number: int, frame: object) -> NoReturn:
    raise _Ended


def _become(asked: dict[str, Any]) -> NoReturn:
    """Turn this process into the command."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setpgid(0, 0)
        os.chdir(asked["root"])
        for limit, value in (
            (resource.RLIMIT_DATA, asked["memory"]),
            (resource.RLIMIT_FSIZE, asked["file_size"]),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (value, value))
        if asked["confined"]:
            confine((asked["root"], asked["scratch"]), python_folders())
        os.execve(asked["argv"][0], asked["argv"], asked["environment"])
    except BaseException as error:
        os.write(2, f"the command cannot be started: {error}\n".encode("utf-8", "replace"))
    os._exit(_CANNOT_START)


def _end_all(group: int) -> None:
    """End all processes below this one, also those that come to it while it looks."""
    while True:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        for child in _children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()]
    except OSError:  # not Linux
        return []


if __name__ == "__main__":
    main()
