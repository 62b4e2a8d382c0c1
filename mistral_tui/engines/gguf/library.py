"""The one door to llama.cpp: importing its bindings, checking their version, listening to its log.

Everything else in this folder uses `llama`, the module of bindings, from here.
"""

import ctypes
import importlib.machinery
import importlib.util
import os
import re
import sys
from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from mistral_tui.config.debugging import debugging
from mistral_tui.types.errors import EngineError

__all__ = ["PINNED", "Log", "bindings", "build", "cpu_features", "ggml", "llama", "log"]

PINNED: Final = "0.3.36"
"""Version of llama-cpp-python that this code was written for. The layout of its structs changes between releases."""
_PINNED_LLAMA: Final = "0.5.0"
"""Version of llama.cpp that it carries."""

# An abort inside llama.cpp would otherwise start a debugger on the terminal.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")


def bindings(name: str) -> ModuleType:
    """Import a module of bindings, such as `llama_cpp.llama_cpp`, without `llama_cpp` itself.

    The package's own `__init__` imports the high-level class and with it numpy, jinja2 and diskcache, 100 of 130 ms.
    While the bindings are imported, an empty module stands in for the package; it is taken away again, so that
    whoever wants the whole package later still gets it.
    """
    if "llama_cpp" in sys.modules:
        return importlib.import_module(name)
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        raise EngineError(f"llama-cpp-python is not installed; install llama-cpp-python=={PINNED}")
    _check_version(Path(spec.origin))
    sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(name)
    except (OSError, RuntimeError, AttributeError) as error:
        raise EngineError(f"llama.cpp cannot be loaded: {error}; install llama-cpp-python=={PINNED} again") from error
    finally:
        del sys.modules["llama_cpp"]


def _check_version(origin: Path) -> None:
    found = re.search(r'__version__ = "(.+?)"', origin.read_text(encoding="utf-8"))
    if found is None or found[1] != PINNED:
        version = found[1] if found else "of unknown version"
        raise EngineError(f"llama-cpp-python {version} is installed, but {PINNED} is needed; install that one")


if TYPE_CHECKING:
    from llama_cpp import llama_cpp as llama
else:
    llama = bindings("llama_cpp.llama_cpp")
    if not llama.llama_version().decode().startswith(_PINNED_LLAMA):
        raise EngineError(
            f"llama.cpp is {llama.llama_version().decode()}, but {_PINNED_LLAMA} is needed; "
            f"unset LLAMA_CPP_LIB_PATH or install llama-cpp-python=={PINNED} again"
        )


class Log:
    """What llama.cpp said last. It says why something failed nowhere else."""

    _DEBUG, _INFO, _WARNING, _ERROR, _CONTINUED = 1, 2, 3, 4, 5

    def __init__(self, listen: Callable[[Any, ctypes.c_void_p], None] = llama.llama_log_set) -> None:
        """Listen to what takes a callback by `listen`: llama.cpp, or a library beside it."""
        self.lines: deque[str] = deque(maxlen=60)
        self._errors: deque[str] = deque(maxlen=8)
        self._level = self._INFO
        self._all = debugging()
        # `c_void_p` for the text: ctypes would make bytes of each of the 2,000 debug lines of a load.
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._callback = prototype(self._take)
        listen(ctypes.cast(self._callback, llama.llama_log_callback), ctypes.c_void_p())

    def _take(self, level: int, text: int | None, _: int | None) -> None:
        if level != self._CONTINUED:
            self._level = level
        if text is None or (self._level <= self._DEBUG and not self._all):
            return
        line = ctypes.string_at(text).decode("utf-8", "replace").rstrip("\n")
        if not line.strip(". "):
            return
        if self._level > self._DEBUG:
            self.lines.append(line)
        if (self._level >= self._WARNING or self._all) and level != self._CONTINUED:
            print(line, file=sys.stderr, flush=True)
        if self._level >= self._ERROR:
            self._errors.append(line)

    def clear(self) -> None:
        """Forget everything: what comes next belongs to something new."""
        self.lines.clear()
        self._errors.clear()

    def reason(self) -> str:
        """Return why the last thing failed, in llama.cpp's words without its function names; empty if unknown.

        Of the errors since `clear` the first is the cause; those after it tell only what failed along with it.
        What led to it goes to standard error, for whoever reads the log.
        """
        if not self._errors:
            return ""
        print("what llama.cpp said before:", *self.lines, sep="\n  ", file=sys.stderr, flush=True)
        line = self._errors[0]
        return re.sub(r"^(?:[a-z_0-9]+: )+(?:error loading model(?: [a-z]+)?: )?", "", line).strip()


@cache
def log() -> Log:
    """Return the log of this process; from the first call on it listens."""
    return Log()


@cache
def _libraries() -> tuple[Any, ...]:
    """Return llama.cpp's libraries, the ones that the bindings have loaded and no second copies."""
    folder = Path(str(llama.__file__)).parent / "lib"
    # On Windows a library does not show the functions of those that it depends on.
    names = ("ggml.dll", "ggml-base.dll") if sys.platform == "win32" else ()
    return (llama._lib, *(ctypes.CDLL(str(folder / name)) for name in names))


def ggml(name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of ggml that the bindings leave out."""
    for library in _libraries():
        if function := getattr(library, name, None):
            function.restype = result
            function.argtypes = list(arguments)
            return function
    raise EngineError(f"llama.cpp lacks {name}; install llama-cpp-python=={PINNED} again")


def cpu_features() -> dict[str, bool]:
    """Return what the CPU code of this build uses, such as `{"AVX2": True}`."""
    text = llama.llama_print_system_info().decode("utf-8", "replace")
    return {name: value == "1" for name, value in re.findall(r"(\w+) = (\d+)", text)}


def build() -> str:
    """Return version and commit of llama.cpp, such as `0.5.0-dev (a1b2c3d)`."""
    commit = ggml("ggml_commit", ctypes.c_char_p)()
    return f"{llama.llama_version().decode()} ({commit.decode() if commit else 'unknown'})"
