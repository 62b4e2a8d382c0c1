"""A grammar is tried out in a process of its own first.

llguidance cannot be interrupted, and there are grammars of two lines that keep it busy for hours or take all memory
there is. In a process that may be killed that does no harm; and what can be compiled there is compiled again by the
engine at the same small price.
"""

import contextlib
import subprocess
import sys
from typing import Final

import msgspec

from mistral_tui.engines.grammar.large_stack import start_with_large_stack
from mistral_tui.engines.grammar.vocabulary import SpecialTokens
from mistral_tui.processes.parent_death import CREATION_FLAGS
from mistral_tui.types.errors import EngineError, InvalidRequest
from mistral_tui.types.requests import Grammar

SECONDS: Final = 10.0
"""How long a trial may take."""
_CPU_SECONDS: Final = 3
_MEMORY_BYTES: Final = 2 * 1024**3
"""Address space; the large stack is in it."""


class _Task(msgspec.Struct):
    grammar: Grammar
    special: SpecialTokens


def try_out(grammar: Grammar, special: SpecialTokens, seconds: float = SECONDS) -> None:
    """Compile `grammar` in a process of its own, which takes about 0.1 s.

    Args:
        grammar: In any notation.
        special: What it may name besides text.
        seconds: How long it may take, and at most 3 s of them on the processor where the system can limit that.

    Raises:
        InvalidRequest: It is wrong, with the place; or it takes too long or too much memory.
        EngineError: No process can be started.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "mistral_tui.engines.grammar.trial"],
            input=msgspec.json.encode(_Task(grammar, special)),
            capture_output=True,
            timeout=seconds,
            check=False,
            creationflags=CREATION_FLAGS,
        )
    except subprocess.TimeoutExpired:
        raise InvalidRequest(f"the grammar takes longer than {seconds:g} s to compile; make it simpler") from None
    except OSError as error:
        raise EngineError(f"the grammar cannot be tried out: {error}; try again") from None
    if done.returncode:
        print(done.stderr.decode("utf-8", "replace"), file=sys.stderr, flush=True)
        raise InvalidRequest("the grammar takes too much time or memory to compile; make it simpler")
    if done.stdout:
        raise InvalidRequest(done.stdout.decode("utf-8", "replace"))


def main() -> None:
    """Try out the grammar that standard input brings, and print what is wrong with it."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=_Task)
    _limit_resources()
    from mistral_tui.engines.grammar.compiling import compiled, stand_in

    found: list[str] = []

    def compile_it() -> None:
        try:
            compiled(task.grammar, stand_in(task.special))
            found.append("")
        except InvalidRequest as error:
            found.append(str(error))

    start_with_large_stack(compile_it).join()
    if not found:
        sys.exit(1)  # its traceback is on stderr
    sys.stdout.buffer.write(found[0].encode())


def _limit_resources() -> None:
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_CPU: _CPU_SECONDS, resource.RLIMIT_AS: _MEMORY_BYTES, resource.RLIMIT_CORE: 0}
    for kind, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):  # not every system knows them all
            resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
