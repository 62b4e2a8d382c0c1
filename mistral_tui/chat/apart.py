"""Work on files that may be made to harm, in a process of its own: if it loops or fills the memory, only that ends."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from mistral_tui.types.errors import InvalidRequest

_MOST_MEMORY: Final = 2 * 2**30


def run_apart(module: str, arguments: Sequence[str], name: str, seconds: float, content: bytes = b"") -> bytes:
    """Run a module as a program and return what it writes. Blocks, for these seconds at most.

    Args:
        module: It calls `limit_resources` first, and writes something in any case.
        arguments: What it is called with.
        name: What errors call the file.
        seconds: How long it may take.
        content: What it reads from its standard input.

    Raises:
        InvalidRequest: It took too long, could not be started, or ended without a word.
    """
    argv = [sys.executable, "-P", "-m", module, *arguments]
    # A library that counts on the memory of many threads would not even be imported under the limit.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(argv, input=content, capture_output=True, timeout=seconds, check=False, env=environment)
    except subprocess.TimeoutExpired:
        raise InvalidRequest(f"{name} takes longer than {seconds:.0f} s to read; give a part of it") from None
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{name} cannot be read: no process could be started: {error}") from None
    if not done.stdout:
        raise InvalidRequest(f"{name} cannot be read: it is damaged, or needs too much memory; save it again")
    return done.stdout


def limit_resources(seconds: float) -> None:
    """Let this process take no more than some memory, and this much time of a processor."""
    try:
        import resource  # not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    # Whoever waits for it does so no longer then, and may be gone.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
