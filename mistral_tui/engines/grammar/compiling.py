"""From a grammar in one of the notations to a constraint."""

from typing import Final, cast

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from mistral_tui.engines.grammar import gbnf, json_schema
from mistral_tui.engines.grammar.complaints import about_a_regex, in_plain_words, without_place
from mistral_tui.engines.grammar.constraint import SLOWEST_MASK, Constraint, timed_mask
from mistral_tui.engines.grammar.json_text import parsed
from mistral_tui.engines.grammar.vocabulary import SpecialTokens
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.requests import Grammar

SPECIAL: Final = b"\xff"
"""Begins the spelling of tokens that stand for no text; no UTF-8 begins with it."""

_LIMITS: Final = LLParserLimits(
    max_lexer_states=50_000,  # 1 to 2 KB each
    precompute_large_lexemes=False,  # it makes masks faster, which are rare, and may take minutes and gigabytes
    verbose_errors=False,
)


def compiled(grammar: Grammar, tokenizer: LLTokenizer) -> Constraint:
    """Return the constraint that a grammar means for a vocabulary.

    Takes milliseconds and holds the interpreter's lock for little of it; but not for every grammar: see `trial`.

    Args:
        grammar: In any notation.
        tokenizer: The vocabulary.

    Raises:
        InvalidRequest: The grammar is wrong, too complex, or allows nothing; says where.
    """
    matcher = LLMatcher(tokenizer, _to_llguidance(grammar), log_level=0, limits=_LIMITS)
    if not matcher.is_error():
        # The first mask costs the most, and shows whether anything is allowed at all.
        mask, seconds = timed_mask(matcher)
        if seconds > SLOWEST_MASK:
            raise InvalidRequest(f"{_names(grammar)} is too complex: following it takes too long; make it smaller")
        if not matcher.is_error():
            if not any(mask):
                raise InvalidRequest(f"{_names(grammar)} allows no text at all; check it for rules that never end")
            return Constraint(matcher, tokenizer)
    raise InvalidRequest(f"{_names(grammar)} is invalid: {_place_and_cause(grammar, matcher.get_error())}")


def stand_in(special: SpecialTokens) -> LLTokenizer:
    """Return a vocabulary of single bytes with the special tokens of a model, in which a grammar means the same."""
    return LLTokenizer(cast(TokenizerWrapper, _StandIn(special)), eos_token=list(special.ends), slices=[])


class _StandIn:
    is_tokenizer_wrapper: Final = True
    bos_token_id: Final = None
    special_token_ids: Final = ()

    def __init__(self, special: SpecialTokens) -> None:
        self.tokens = [b""] * special.size
        for token, name in special.names.items():
            self.tokens[token] = SPECIAL + name.encode()
        free = (token for token in range(special.size) if token not in special.names)
        self._bytes = dict(zip(range(256), free, strict=False))
        for byte, token in self._bytes.items():
            self.tokens[token] = bytes([byte])
        self.eos_token_id = special.ends[0]

    def __call__(self, text: str) -> list[int]:
        return [self._bytes[byte] for byte in text.encode()]


def _to_llguidance(grammar: Grammar) -> str:
    match grammar.kind:
        case "json_schema":
            return json_schema.to_llguidance(grammar.value)
        case "regex":
            if _ends_in_a_lone_backslash(grammar.value):
                raise InvalidRequest("the regular expression is invalid: nothing follows the backslash at its end")
            return LLMatcher.grammar_from_regex(grammar.value)
        case "lark":
            return LLMatcher.grammar_from_lark(grammar.value)
        case "gbnf":
            return LLMatcher.grammar_from_lark(gbnf.to_lark(grammar.value))
        case "llguidance":
            if not isinstance(parsed(grammar.value, "the llguidance grammar"), dict):
                raise InvalidRequest('the llguidance grammar must be a JSON object with "grammars"')
            return grammar.value


def _place_and_cause(grammar: Grammar, complaint: str) -> str:
    match grammar.kind:
        case "json_schema":
            return json_schema.place_of_error(grammar.value, complaint, _LIMITS)
        case "regex":
            return about_a_regex(complaint, grammar.value)
        case "gbnf":
            # A place would be one in the translation.
            return without_place(complaint)
        case _:
            return in_plain_words(complaint)


def _names(grammar: Grammar) -> str:
    return {
        "json_schema": "the JSON schema",
        "regex": "the regular expression",
        "lark": "the Lark grammar",
        "gbnf": "the GBNF grammar",
        "llguidance": "the llguidance grammar",
    }[grammar.kind]


def _ends_in_a_lone_backslash(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1
