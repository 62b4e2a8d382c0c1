"""Whether the person wants to see what is otherwise kept from them: tracebacks, llama.cpp's words, the tensors."""

import os

DEBUG = "MISTRAL_TUI_DEBUG"
"""Name of the environment variable; `--debug` sets it."""
_MISTRALRS = "MISTRALRS_DEBUG"
"""mistral.rs's name for it."""


def debugging() -> bool:
    """Whether the person asked for it, by `--debug` or the environment."""
    return any(os.environ.get(name, "") not in ("", "0") for name in (DEBUG, _MISTRALRS))
