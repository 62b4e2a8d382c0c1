"""The terminal that the interface is drawn on, which may be closed, lent to a shell, or not want what is written."""

import asyncio
import io
import os
import signal
from typing import Any, Final

from textual.drivers.linux_driver import LinuxDriver

_ENDS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class TerminalDriver(LinuxDriver):
    """Textual's driver, with an end in order whatever signal asks for it.

    Signals become calls of the event loop: in the middle of whatever runs, they would write to the terminal while
    something else does.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Not the stream of Textual: the thread that writes would end with the first error of a closed terminal, and
        # the program would wait for ever until it has written.
        assert self._file is not None
        terminal = _TerminalFile(self._file.fileno(), "wb", closefd=False)
        self._file = io.TextIOWrapper(io.BufferedWriter(terminal), self._file.encoding, errors="replace")
        signal.signal(signal.SIGTSTP, self._asked_to_rest)
        signal.signal(signal.SIGCONT, self._woken)

    def start_application_mode(self) -> None:
        """Take the terminal; from now on a signal ends the app, which stores what it has and gives it back."""
        self._loop = asyncio.get_running_loop()
        for number in _ENDS:
            self._loop.add_signal_handler(number, self._end, number)
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual says nothing of its types

    def _end(self, number: signal.Signals) -> None:
        self._app.exit(return_code=128 + number)

    def _asked_to_rest(self, *_: object) -> None:
        if not is_job():
            return
        if self._auto_restart:
            self._loop.call_soon_threadsafe(self._lend_terminal, True)
        else:
            _stop()  # together with the program, such as an editor, that has the terminal now

    def _woken(self, *_: object) -> None:
        if self._auto_restart:
            # Stopped without being asked: whoever had the terminal meanwhile has left other modes, and other text.
            self._loop.call_soon_threadsafe(self._lend_terminal, False)

    def _lend_terminal(self, stop: bool) -> None:
        with self._app.suspend():
            while stop or not _in_foreground(self.fileno):
                _stop()
                stop = False


def is_job() -> bool:
    """Return whether a shell started this program as a job; if not, nobody would wake it once it rests."""
    return os.getpgrp() != os.getsid(0)


class _TerminalFile(io.FileIO):
    """A terminal; one that is gone takes everything."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _stop() -> None:
    """Stop this process until it is woken."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _in_foreground(terminal: int) -> bool:
    """Return whether keys go to this program; if there is no terminal any more, there is nothing to wait for."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True
