"""Requests whose grammar is being compiled: they wait here, and nobody else waits for them."""

import threading
from collections.abc import Callable
from functools import partial

from mistral_tui.engines.gguf.sampling.constraint import ModelVocabulary
from mistral_tui.engines.gguf.sampling.guide import WantedGrammar
from mistral_tui.engines.gguf.scheduling.generation import Generation
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.engines.grammar.compiler import Compiled, GrammarCompiler
from mistral_tui.types.errors import MistralTuiError


class PendingGrammars:
    """Gives requests their constraint, beside the engine thread. Its methods are for any thread and return at once.

    Args:
        vocabulary: The model's; its tokens are looked up when the first grammar comes.
        on_ready: Takes a request that has its constraint; called on another thread.
    """

    def __init__(self, vocabulary: Vocabulary, on_ready: Callable[[Generation], None]) -> None:
        self._vocabulary = ModelVocabulary(vocabulary.handle)
        self._compiler = GrammarCompiler(self._vocabulary)
        self._on_ready = on_ready
        self._changing = threading.Lock()
        self._pending: dict[str, Generation] = {}

    def add(self, generation: Generation, wanted: WantedGrammar) -> None:
        """Compile what a request wants; it is ready then, or it fails and says what is wrong with the grammar.

        A reply that may call tools does without a grammar that cannot be had.
        """
        with self._changing:
            self._pending[generation.request.id] = generation
        self._compiler.compile(wanted.grammar, partial(self._compiled, generation))

    def cancel(self, request_id: str) -> bool:
        """End a request that waits here; return whether it did."""
        with self._changing:
            generation = self._pending.pop(request_id, None)
        if generation is not None:
            generation.finish("cancelled")
        return generation is not None

    def close(self) -> None:
        """End all requests that wait here, and leave the model alone from now on: it may be freed."""
        for request_id in tuple(self._pending):
            self.cancel(request_id)
        self._vocabulary.close()

    def _compiled(self, generation: Generation, outcome: Compiled) -> None:
        # Under the lock, so that a cancel finds the request either here or where it goes.
        with self._changing:
            if self._pending.pop(generation.request.id, None) is None:
                return
            optional = generation.wanted is not None and generation.wanted.scope == "calls"
            if not isinstance(outcome, MistralTuiError):
                generation.constraint = outcome
            elif not optional:
                generation.finish("failed", str(outcome))
                return
            self._on_ready(generation)
