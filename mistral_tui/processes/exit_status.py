"""What the exit status of a worker process says about its end."""

import signal
import sys

GAVE_UP = 69
"""Exit status of a worker that ended by itself because it could not go on; the last line of its log says why."""

if sys.platform == "win32":
    _ACCESS_VIOLATION = 0xC0000005
    _ILLEGAL_INSTRUCTION = 0xC000001D
    _NAMES = {_ACCESS_VIOLATION: "access violation", _ILLEGAL_INSTRUCTION: "illegal instruction"}

    def name_exit(status: int) -> str:
        """Say how a process ended."""
        if name := _NAMES.get(status & 0xFFFFFFFF):
            return f"crashed ({name})"
        return f"ended with exit status {status}"

    def crashed_on_an_instruction(status: int) -> bool:
        """Whether it ended as code does that this CPU cannot run, or that a compiler got wrong."""
        return status & 0xFFFFFFFF in _NAMES

else:

    def name_exit(status: int) -> str:
        """Say how a process ended, from its exit status (negative: a signal)."""
        if status >= 0:
            return f"ended with exit status {status}"
        if -status == signal.SIGKILL:
            return "was killed by SIGKILL, probably because memory ran out"
        try:
            return f"crashed with {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"

    def crashed_on_an_instruction(status: int) -> bool:
        """Whether it ended as code does that this CPU cannot run, or that a compiler got wrong."""
        return -status in (signal.SIGSEGV, signal.SIGILL)
