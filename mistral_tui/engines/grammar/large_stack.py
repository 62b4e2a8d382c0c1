"""Threads on which deep recursion does no harm."""

import threading
from collections.abc import Callable
from typing import Final

_BYTES: Final = 512 * 1024 * 1024
"""Address space; memory is taken as far as it is used."""
_setting = threading.Lock()


def start_with_large_stack(target: Callable[[], None]) -> threading.Thread:
    """Run `target` on a thread of its own: llguidance follows rules to their depth, and an ordinary stack has an end.

    Raises:
        RuntimeError: There is no room for the stack.
    """
    with _setting:
        before = threading.stack_size(_BYTES)
        try:
            thread = threading.Thread(target=target, daemon=True, name="grammar")
            thread.start()
        finally:
            threading.stack_size(before)
    return thread
