"""Compiles grammars beside the engine thread, so that a slow one stalls nobody but its own request."""

import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.types.errors import EngineError, InvalidRequest, MistralTuiError
from mistral_tui.types.requests import Grammar

if TYPE_CHECKING:
    from llguidance import LLTokenizer

SECONDS: Final = 10.0
"""How long a grammar may take, the wait for others included."""
_AT_ONCE: Final = 2
_STACK_BYTES: Final = 512 * 1024 * 1024
"""llguidance follows rules to their depth, and would end the process at the end of an ordinary stack. It is address
space; memory is taken as far as it is used."""

Compiled = Constraint | MistralTuiError
"""What becomes of a grammar."""
OnDone = Callable[[Compiled], None]


class GrammarCompiler:
    """Makes constraints for one loaded model.

    llguidance cannot be interrupted. A grammar that takes too long is given up, but keeps one of two places until it
    is done; when both are kept, other grammars wait for them and are given up in their turn. Requests without a
    grammar notice nothing.

    Args:
        make_tokenizer: Makes the vocabulary; called once, on another thread, when the first grammar comes.
        seconds: How long a grammar may take.
    """

    def __init__(self, make_tokenizer: Callable[[], "LLTokenizer"], seconds: float = SECONDS) -> None:
        self._make_tokenizer = make_tokenizer
        self._seconds = seconds
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._tokenizer: LLTokenizer | None = None
        self._making = threading.Lock()

    def compile(self, grammar: Grammar, on_done: OnDone) -> None:
        """Compile `grammar`; returns at once.

        Args:
            grammar: In any notation.
            on_done: Called once, on another thread, with the constraint or why there is none.
        """
        _Job(self, grammar, on_done).start()

    def run(self, grammar: Grammar, unwanted: Callable[[], bool]) -> Compiled:
        """Compile `grammar` on this thread, unless it is unwanted when its turn comes."""
        with self._places:
            if unwanted():
                return EngineError("the grammar was given up")
            try:
                # Here, because importing llguidance takes 50 ms, which nobody without a grammar should wait for.
                from mistral_tui.engines.grammar.compiling import compiled

                return compiled(grammar, self._vocabulary())
            except MistralTuiError as error:
                return error
            except BaseException as error:  # a panic of llguidance is no `Exception`
                traceback.print_exc()
                return EngineError(f"the grammar cannot be compiled: {error!r}; see the log")

    def too_slow(self) -> InvalidRequest:
        """Return the error for a grammar that was given up."""
        return InvalidRequest(f"the grammar takes longer than {self._seconds:g} s to compile; make it simpler")

    @property
    def seconds(self) -> float:
        """How long a grammar may take."""
        return self._seconds

    def _vocabulary(self) -> "LLTokenizer":
        with self._making:
            if self._tokenizer is None:
                self._tokenizer = self._make_tokenizer()
            return self._tokenizer


class _Job:
    """One grammar, with a thread that compiles and a timer that gives up; the first of them answers."""

    def __init__(self, compiler: GrammarCompiler, grammar: Grammar, on_done: OnDone) -> None:
        self._compiler = compiler
        self._grammar = grammar
        self._on_done = on_done
        self._lock = threading.Lock()
        self._answered = False
        self._timer = threading.Timer(compiler.seconds, self._give_up)
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()
        try:
            _start_with_large_stack(self._compile)
        except (RuntimeError, ValueError) as error:
            self._answer(EngineError(f"the grammar cannot be compiled: {error}; free some memory and try again"))

    def _compile(self) -> None:
        self._answer(self._compiler.run(self._grammar, lambda: self._answered))

    def _give_up(self) -> None:
        self._answer(self._compiler.too_slow())

    def _answer(self, answer: Compiled) -> None:
        with self._lock:
            if self._answered:
                return
            self._answered = True
        self._timer.cancel()
        self._on_done(answer)


_stack_size = threading.Lock()


def _start_with_large_stack(target: Callable[[], None]) -> None:
    with _stack_size:
        before = threading.stack_size(_STACK_BYTES)
        try:
            threading.Thread(target=target, daemon=True, name="grammar").start()
        finally:
            threading.stack_size(before)
