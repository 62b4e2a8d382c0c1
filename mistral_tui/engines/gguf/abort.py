"""The switch that stops llama.cpp in the middle of a computation on the CPU."""

import ctypes
import sys
from typing import Any, Final

from mistral_tui.engines.gguf.library import llama

_Pointer: Final = ctypes.c_void_p


class AbortSwitch:
    """Tied to one context. To be pressed on any thread.

    Args:
        context: `llama_context *`.
    """

    def __init__(self, context: Any) -> None:
        self._stop = ctypes.create_string_buffer(2)
        # ggml asks 600 times per token. `strlen` of the empty string is 0, of a string of one character 1: a native
        # answer from one byte of ours, that neither costs time nor waits for the interpreter's lock.
        strlen = ctypes.cast((ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)).strlen, _Pointer)
        self._callback = llama.ggml_abort_callback(strlen.value or 0)
        self._never = llama.ggml_abort_callback(0)
        self._context = context
        self.listen(True)

    def listen(self, listening: bool) -> None:
        """Let the next computations be stopped, or not."""
        callback = self._callback if listening else self._never
        llama.llama_set_abort_callback(self._context, callback, ctypes.cast(self._stop, _Pointer))

    def press(self) -> None:
        """Make the decode that runs now, or else the next one, return soon."""
        self._stop[0] = b"x"

    def release(self) -> None:
        """Take back `press`."""
        self._stop[0] = b"\0"
