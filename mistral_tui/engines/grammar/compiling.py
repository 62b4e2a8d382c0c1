"""From a grammar in one of the notations to a constraint."""

from llguidance import LLMatcher, LLTokenizer

from mistral_tui.engines.grammar import gbnf, json_schema
from mistral_tui.engines.grammar.complaints import about_a_regex, in_plain_words, without_place
from mistral_tui.engines.grammar.constraint import Constraint
from mistral_tui.engines.grammar.limits import LIMITS
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.requests import Grammar


def compiled(grammar: Grammar, tokenizer: LLTokenizer) -> Constraint:
    """Return the constraint that a grammar means for a vocabulary.

    Takes milliseconds for ordinary grammars and seconds for the worst; holds the interpreter's lock for little of it.

    Args:
        grammar: In any notation.
        tokenizer: The vocabulary.

    Raises:
        InvalidRequest: The grammar is wrong, too complex, or allows nothing; says where.
    """
    matcher = LLMatcher(tokenizer, _to_llguidance(grammar), limits=LIMITS)
    if not matcher.is_error():
        # The first mask costs the most, and shows whether anything is allowed at all.
        possible = any(matcher.compute_bitmask())
        if not matcher.is_error():
            if not possible:
                raise InvalidRequest(f"{_names(grammar)} allows no text at all; check it for rules that never end")
            return Constraint(matcher, tokenizer)
    raise InvalidRequest(f"{_names(grammar)} is invalid: {_place_and_cause(grammar, matcher.get_error())}")


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
            if not isinstance(json_schema.parsed(grammar.value, "the llguidance grammar"), dict):
                raise InvalidRequest('the llguidance grammar must be a JSON object with "grammars"')
            return grammar.value


def _place_and_cause(grammar: Grammar, complaint: str) -> str:
    match grammar.kind:
        case "json_schema":
            return json_schema.place_of_error(grammar.value, complaint)
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
