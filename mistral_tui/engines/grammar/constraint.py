"""What a reply may still say: one grammar on its way through one reply."""

import threading
import time
from typing import TYPE_CHECKING, Final

from mistral_tui.engines.grammar.complaints import in_plain_words
from mistral_tui.types.errors import EngineError

if TYPE_CHECKING:  # imported when the first grammar comes: it takes 50 ms
    from llguidance import LLMatcher, LLTokenizer

SLOWEST_MASK: Final = 0.2
"""Most seconds of the processor for one mask, for which all chats stand still; some tenths of a ms are ordinary."""
_PATIENCE: Final = 1.0
"""After so many seconds a mask is not waited for any longer."""


class Constraint:
    """Says of each token whether the grammar allows it next, and follows those that are taken.

    It is made to be asked of a token that was sampled already: `allows` costs some microseconds. Only when the answer
    is no is `mask` worth its price. A token that ends replies is allowed where the grammar is complete, not before.

    For a grammar that begins in the middle of a reply (a tool call behind its trigger), have it compiled when the
    request comes, keep it aside while the reply is free, and call `begin` when the trigger is there: until then it
    costs nothing. `begin` again serves the next call.
    """

    def __init__(self, matcher: "LLMatcher", tokenizer: "LLTokenizer") -> None:
        self._matcher = matcher
        self._tokenizer = tokenizer

    def copy(self) -> "Constraint":
        """Return one for another reply, in the same state; takes microseconds."""
        return Constraint(self._matcher.deep_copy(), self._tokenizer)

    def begin(self, text: str = "") -> bool:
        """Start anew, after `text` of what the grammar describes has been written already.

        Returns:
            Whether the grammar can still be kept after `text`; if not, the constraint must not be used.
        """
        self._matcher.reset()
        written = self._tokenizer.tokenize_str(text)
        return self._matcher.try_consume_tokens(written) == len(written)

    def allows(self, token: int) -> bool:
        """Return whether `token` may come next."""
        return self._matcher.validate_tokens([token]) == 1

    def mask(self) -> bytes:
        """Return which tokens may come next: one bit for each, the lowest bit of the first byte for token 0.

        Raises:
            EngineError: The grammar has become too complex here, or no token leads on.
        """
        # On a thread of its own, for it cannot be interrupted, and an ambiguous grammar may keep it busy for a minute.
        computed: list[tuple[bytes, float]] = []
        thread = threading.Thread(target=lambda: computed.append(timed_mask(self._matcher)), daemon=True)
        thread.start()
        thread.join(_PATIENCE)
        if not computed or computed[0][1] > SLOWEST_MASK:
            raise EngineError("the grammar cannot be followed any further: that takes too long; make it simpler")
        self._check()
        return computed[0][0]

    def accept(self, token: int) -> None:
        """Go on behind `token`.

        Raises:
            EngineError: The grammar does not allow it, or has become too complex.
        """
        self._matcher.consume_token(token)
        self._check()

    @property
    def done(self) -> bool:
        """Whether the grammar is complete and nothing can follow."""
        return self._matcher.is_stopped()

    def _check(self) -> None:
        if self._matcher.is_error():
            cause = in_plain_words(self._matcher.get_error())
            raise EngineError(f"the grammar cannot be followed any further: {cause}")


def timed_mask(matcher: "LLMatcher") -> tuple[bytes, float]:
    """Return the next mask, and how many seconds of the processor it took."""
    began = time.thread_time()
    mask = matcher.compute_bitmask()
    return mask, time.thread_time() - began
