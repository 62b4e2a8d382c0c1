"""What a person sees of a failure: one line on stderr that starts with `error:`, and an exit status."""

import contextlib
import os
import sys
import traceback
from typing import TextIO

from mistral_tui.config.debugging import debugging
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.text import printable_line

CANCELLED = 130
"""Exit status after ctrl+c, as shells expect it (128 + SIGINT)."""
READER_GONE = 141
"""Exit status when whoever read our output has gone (128 + SIGPIPE)."""


def keep_quiet() -> None:
    """Keep tracebacks and warnings that are logged off the terminal: the standard library would print them there."""
    import logging  # neither --version nor --help needs it

    logging.getLogger().addHandler(logging.NullHandler())


def say(kind: str, text: str) -> None:
    """Write one line to stderr, such as `note: …`; silently nothing if stderr is gone."""
    with contextlib.suppress(OSError, ValueError):  # a closed stderr: there is nobody to tell
        print(f"{kind}: {printable_line(text)}", file=sys.stderr, flush=True)


def report(error: BaseException) -> int:
    """Tell the person about `error` and return the exit status that goes with it."""
    if isinstance(error, KeyboardInterrupt):
        return CANCELLED
    if isinstance(error, BrokenPipeError):
        leave_quietly(sys.stdout)  # the interpreter's last flush would complain, too
        return READER_GONE
    if debugging():
        traceback.print_exception(error)
    if isinstance(error, MistralTuiError):
        say("error", str(error))
        return error.exit_status
    hint = "" if debugging() else "; run it again with --debug before the command to see where"
    say("error", f"{type(error).__name__}: {error}{hint}")
    return 1


def leave_quietly(stream: TextIO) -> None:
    """Point `stream` at nothing, so that its last flush does not complain about a closed pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
