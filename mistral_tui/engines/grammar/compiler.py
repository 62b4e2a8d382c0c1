"""Compiles grammars beside the engine thread, so that a slow one stalls nobody but its own request."""

import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.engines.grammar.large_stack import start_with_large_stack
from mistral_tui.engines.grammar.trial import try_out
from mistral_tui.engines.grammar.vocabulary import GrammarVocabulary
from mistral_tui.types.errors import EngineError, InvalidRequest, MistralTuiError
from mistral_tui.types.requests import Grammar

if TYPE_CHECKING:
    from llguidance import LLTokenizer

SECONDS: Final = 15.0
"""How long a grammar may take, the wait for others included."""
_AT_ONCE: Final = 2
_KEPT: Final = 16

Compiled = Constraint | MistralTuiError
"""What becomes of a grammar."""
OnDone = Callable[[Compiled], None]


class GrammarCompiler:
    """Makes constraints for one loaded model, and keeps those of the last grammars.

    Two grammars are compiled at once. Others wait for them, and are given up when that takes too long. Requests
    without a grammar notice nothing of it all.

    Args:
        vocabulary: The model's.
        seconds: How long a grammar may take.
    """

    def __init__(self, vocabulary: GrammarVocabulary, seconds: float = SECONDS) -> None:
        self._vocabulary = vocabulary
        self._seconds = seconds
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._sharing = threading.Lock()
        self._tokenizer: LLTokenizer | None = None
        self._kept: OrderedDict[Grammar, Constraint] = OrderedDict()

    def compile(self, grammar: Grammar, on_done: OnDone) -> None:
        """Compile `grammar`; returns at once.

        Args:
            grammar: In any notation.
            on_done: Called once, on another thread, with the constraint or why there is none.
        """
        _Job(lambda unwanted: self._compile(grammar, unwanted), self._seconds, on_done).start()

    def _compile(self, grammar: Grammar, unwanted: Callable[[], bool]) -> Compiled:
        with self._places:
            if unwanted():
                return EngineError("the grammar was given up")
            try:
                return self._constraint(grammar).copy()
            except MistralTuiError as error:
                return error
            except BaseException as error:  # a panic of llguidance is no `Exception`
                traceback.print_exc()
                return EngineError(f"the grammar cannot be compiled: {error!r}; see the log")

    def _constraint(self, grammar: Grammar) -> Constraint:
        # Here, because importing llguidance takes 50 ms, which nobody without a grammar should wait for.
        from mistral_tui.engines.grammar.compiling import compiled

        with self._sharing:
            if grammar in self._kept:
                self._kept.move_to_end(grammar)
                return self._kept[grammar]
        try_out(grammar, self._vocabulary.special_tokens())
        with self._sharing:
            if self._tokenizer is None:
                self._tokenizer = self._vocabulary.tokenizer()
        constraint = compiled(grammar, self._tokenizer)
        with self._sharing:
            self._kept[grammar] = constraint
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return constraint


class _Job:
    """One grammar, with a thread that compiles and a timer that gives up; the first of them answers."""

    def __init__(self, compile_it: Callable[[Callable[[], bool]], Compiled], seconds: float, on_done: OnDone) -> None:
        self._compile_it = compile_it
        self._seconds = seconds
        self._on_done = on_done
        self._answering = threading.Lock()
        self._answered = False
        self._timer = threading.Timer(seconds, self._give_up)
        self._timer.daemon = True

    def start(self) -> None:
        try:
            self._timer.start()
            start_with_large_stack(self._run)
        except (RuntimeError, ValueError) as error:
            self._answer(EngineError(f"the grammar cannot be compiled: {error}; free some memory and try again"))

    def _run(self) -> None:
        self._answer(self._compile_it(lambda: self._answered))

    def _give_up(self) -> None:
        self._answer(InvalidRequest(f"the grammar took longer than {self._seconds:g} s to compile; make it simpler"))

    def _answer(self, answer: Compiled) -> None:
        with self._answering:
            if self._answered:
                return
            self._answered = True
        self._timer.cancel()
        self._on_done(answer)
