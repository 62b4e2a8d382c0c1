"""How much a grammar may cost. Nothing in llguidance can be interrupted, so everything has to be bounded before."""

from typing import Final

from llguidance import LLParserLimits

LIMITS: Final = LLParserLimits(
    max_lexer_states=50_000,  # 1 to 2 KB each
    verbose_errors=False,
)
"""llguidance's own where nothing is said: at most about 15 ms for a token."""
