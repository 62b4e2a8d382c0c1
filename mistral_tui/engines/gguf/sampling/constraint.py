"""Grammars over the vocabulary of a GGUF model, and sampling under them."""

import ctypes
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.engines.grammar.vocabulary import SpecialTokens
from mistral_tui.types.errors import EngineError

if TYPE_CHECKING:  # imported when the first grammar comes: llguidance takes 50 ms, numpy 100
    from llguidance import LLTokenizer

_END: Final = "<end of reply>"
"""For models that have no token of the kind."""
_MARK: Final = "\x02"
"""A character that joins with no other to a token."""


class ModelVocabulary:
    """The vocabulary of a loaded model for grammars; a `GrammarVocabulary`.

    Args:
        handle: `const llama_vocab *` of a model that is not freed before `close`.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._using = threading.Lock()
        self._closed = False
        self._special: SpecialTokens | None = None

    def special_tokens(self) -> SpecialTokens:
        """Return the tokens that stand for no text.

        Raises:
            EngineError: The model is about to be freed.
        """
        with self._using:
            if self._special is None:
                self._special = _special_tokens(self._vocabulary())
            return self._special

    def tokenizer(self) -> "LLTokenizer":
        """Return the vocabulary as llguidance wants it.

        Takes 0.1 s for 50,000 tokens and 0.8 s for 260,000; for half of that it holds the interpreter's lock.

        Raises:
            EngineError: The model is about to be freed.
        """
        import numpy as np  # noqa: F401 - here rather than on the engine thread, when the first token is chosen
        from llguidance import LLTokenizer, TokenizerWrapper

        from mistral_tui.engines.grammar.compiling import SPECIAL

        special = self.special_tokens()
        with self._using:
            vocabulary = self._vocabulary()
            tokens = [b"" if token in special.names else vocabulary.piece(token) for token in range(vocabulary.size)]
        tokens += [b""] * (special.size - len(tokens))
        for token, name in special.names.items():
            tokens[token] = SPECIAL + name.encode()
        wrapped = _Wrapped(self, vocabulary, tokens, special.ends[0])
        # Slices would make masks faster, which are rare, and double the time for which all threads stand still.
        tokenizer = LLTokenizer(cast(TokenizerWrapper, wrapped), eos_token=list(special.ends), slices=[])
        wrapped.greedy = tokenizer
        return tokenizer

    def tokenize(self, vocabulary: Vocabulary, text: str) -> list[int]:
        """Return the tokens of `text`, or none once the model may be gone."""
        with self._using:
            return [] if self._closed else vocabulary.tokenize(text, beginning=False, special=False)

    def close(self) -> None:
        """From now on, nothing here touches the model."""
        with self._using:
            self._closed = True

    def _vocabulary(self) -> Vocabulary:
        if self._closed:
            raise EngineError("the model is being unloaded")
        return Vocabulary(self._handle)  # of its own: one is not for several threads


def _special_tokens(vocabulary: Vocabulary) -> SpecialTokens:
    ends = [token for token in range(vocabulary.size) if vocabulary.ends_reply(token)]
    special = [token for token in range(vocabulary.size) if vocabulary.is_control(token)]
    names = {token: vocabulary.name(token) for token in (*special, *ends)}
    if ends:
        return SpecialTokens(vocabulary.size, names, tuple(ends))
    return SpecialTokens(vocabulary.size + 1, {**names, vocabulary.size: _END}, (vocabulary.size,))


class _Wrapped:
    """What llguidance asks a vocabulary for."""

    is_tokenizer_wrapper: Final = True
    bos_token_id: Final = None
    special_token_ids: Iterable[int] = ()  # `tokens` tells them

    def __init__(self, shared: ModelVocabulary, vocabulary: Vocabulary, tokens: list[bytes], end: int) -> None:
        self.tokens = tokens
        self.eos_token_id = end
        self.greedy: LLTokenizer | None = None
        self._shared = shared
        self._vocabulary = vocabulary

    def __call__(self, text: str) -> list[int]:
        """Return tokens that spell exactly `text`: llguidance forces them on the model without another look."""
        wanted = text.encode()
        tokens = self._shared.tokenize(self._vocabulary, text)
        if self._spelled(tokens) == wanted:
            return tokens
        # Some vocabularies put a space in front of every text.
        marked, mark = (self._shared.tokenize(self._vocabulary, part) for part in (_MARK + text, _MARK))
        tokens = marked[len(mark) :]
        if marked[: len(mark)] == mark and self._spelled(tokens) == wanted:
            return tokens
        return self.greedy.greedy_tokenize(text) if self.greedy is not None else []

    def _spelled(self, tokens: list[int]) -> bytes:
        return b"".join(self.tokens[token] for token in tokens)


class ConstrainedChoice:
    """Chooses the tokens of one reply under a constraint.

    The chain chooses freely first. Only if that token is forbidden it chooses again, among the allowed ones; both
    together make the same odds as choosing among the allowed ones at once.

    Args:
        constraint: What the reply may say.
        size: How many tokens the model has.
    """

    def __init__(self, constraint: Constraint, size: int) -> None:
        import numpy as np

        self._numpy = np
        self._constraint = constraint
        self._size = size
        self._native = (llama.llama_token_data * size)()
        row = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        self._rows = np.frombuffer(cast(Any, self._native), dtype=row)
        self._all = np.arange(size, dtype=np.int32)
        self._candidates = llama.llama_token_data_array(data=self._native)
        self._apply = llama.llama_sampler_apply
        self._accept = llama.llama_sampler_accept
        self._logits = llama.llama_get_logits_ith

    def choose(self, chain: Any, context: Any, row: int) -> int:
        """Return the next token; chain and constraint go on behind it.

        Args:
            chain: `llama_sampler *` that ends with a choice.
            context: `llama_context *` that has just decoded.
            row: Place in the batch of the token that was decoded with logits.

        Raises:
            EngineError: The grammar has become too complex, or no token leads on.
        """
        address = ctypes.addressof(self._logits(context, row).contents)
        floats: Any = (ctypes.c_float * self._size).from_address(address)
        logits = self._numpy.frombuffer(floats, self._numpy.float32)
        token = self._chosen(chain, self._all, logits)
        if not self._constraint.allows(token):
            mask = self._numpy.frombuffer(self._constraint.mask(), self._numpy.uint8)
            allowed = self._numpy.unpackbits(mask, count=self._size, bitorder="little").nonzero()[0]
            token = self._chosen(chain, allowed, logits[allowed])
        self._accept(chain, token)
        self._constraint.accept(token)
        return token

    def _chosen(self, chain: Any, tokens: Any, logits: Any) -> int:
        count = len(tokens)
        self._rows["id"][:count] = tokens
        self._rows["logit"][:count] = logits
        self._candidates.size = count
        self._candidates.selected = -1
        self._candidates.sorted = False
        if count:
            self._apply(chain, ctypes.byref(self._candidates))
        if not 0 <= self._candidates.selected < self._candidates.size:
            raise EngineError("the grammar cannot be followed any further: no token of the model leads on")
        return int(self._native[self._candidates.selected].id)
