"""Standard input and output of a child process, kept for frames alone."""

import os
import sys


def private_streams() -> tuple[int, int]:
    """Take standard input and output away from everything else in this process; return duplicates of them.

    What is printed from here on, by native code too, goes to standard error.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(incoming, os.O_BINARY)
        msvcrt.setmode(outgoing, os.O_BINARY)
    return incoming, outgoing
