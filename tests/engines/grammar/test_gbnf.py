import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.grammar.gbnf import to_lark
from mistral_tui.types.errors import EngineError, InvalidRequest
from mistral_tui.types.requests import Grammar
from tests.engines.grammar.matching import matches

pytestmark = pytest.mark.core

ARITHMETIC = """
# sums and products
root  ::= (expr "=" ws term "\\n")+
expr  ::= term ([-+*/] term)*
term  ::= ident | num | "(" ws expr ")" ws   # recursive
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \\t\\n]*
"""


def gbnf(text: str) -> Grammar:
    return Grammar("gbnf", text)


@pytest.mark.parametrize(
    ("grammar", "right", "wrong"),
    [
        ('root ::= "a" | "b"', ["a", "b"], ["", "ab", "c"]),
        ('root ::= "a"\n  | "b"\n  | "c"\nunused ::= root root', ["a", "c"], ["ab"]),
        ('root ::= ("a"\n  "b")?\n', ["ab", ""], ["a"]),
        ('root ::= "a"{2} "b"{1,2} "c"{2,} "d"{,1}', ["aabcc", "aabbcccd"], ["abcc", "aabbbcc", "aabcd", "aabccdd"]),
        (r'root ::= "\"\\\n\x41\u00e9\U0001F600[\]"', ['"\\\nAé😀[]'], ["A"]),
        (r"root ::= [a-c\]\x2d] [^a-c] [-a] [a-]", ["a\n-a", "]é--", "-xaa"], ["dxaa", "acaa", "axba"]),
        ("root ::= . [^]", ["a\n", "\né"], ["a"]),
        ('root ::= ""', [""], ["a"]),
        ('root ::= "(" root? ")"', ["()", "((()))"], ["(", "(()", ")("]),
        ('a-1 ::= "x"\nroot ::= a-1 B_2*\nB_2 ::= "y"', ["x", "xyy"], ["y"]),
        ('root ::= root "a" | "b"', ["b", "baa"], ["a", "bb"]),
        ('root ::= "a" "b" root "c" "d" | [x-z]+ "q"?', ["xyz", "ababxqcdcd"], ["ab", "abxcq", "abxqc"]),
        (ARITHMETIC, ["1=2\n", "(a *(b +1)) = 3\nx=y\n"], ["1+1", "1+ 1=2\n", "(a=b\n", "=1\n", "1=2"]),
    ],
)  # fmt: skip
def test_it_means_what_it_means_in_llama_cpp(grammar: str, right: list[str], wrong: list[str]) -> None:
    assert all(matches(gbnf(grammar), text) for text in right)
    assert not any(matches(gbnf(grammar), text) for text in wrong)


def test_a_token_is_not_its_text() -> None:
    assert not matches(gbnf('root ::= <think> "a"'), "<think>a")
    assert "<think>" in to_lark('root ::= <think> "a"')
    assert "<[257]>" in to_lark("root ::= <[257]>")


@pytest.mark.parametrize(
    ("grammar", "says"),
    [
        ("", "line 1, column 1: there is no rule named root"),
        ('start ::= "a"', "no rule named root"),
        ("root ::= a", "line 1, column 10: there is no rule named a"),
        ('root ::= "a"\n\n  root ::= "b"', "line 3, column 3: there are two rules named root"),
        ('root = "a"', "line 1, column 6: expected ::="),
        ('root ::= "a', "line 1, column 10: this string is not closed"),
        ('root ::= "a\n"', "column 10: this string is not closed"),
        ('root ::= "b"\nx ::= [a', "line 2, column 7: this bracket is not closed"),
        ("root ::= []", "column 10: no character is between the brackets"),
        ("root ::= [z-a]", "column 11: the range runs backwards"),
        ('root ::= ("a"', "column 10: this parenthesis is not closed"),
        ('root ::= "a")', "column 13: unexpected ')'"),
        ('root ::= "a" & "b"', "unexpected '&'"),
        (r'root ::= "\q"', "column 11: unknown escape"),
        (r'root ::= "\x4"', "unknown escape"),
        (r'root ::= "\ud800"', "no such character"),
        (r'root ::= "\UFFFFFFFF"', "no such character"),
        ('root ::= "a"{3,1}', "the smaller count comes first"),
        ('root ::= "a"{,}', "expected a count"),
        ('root ::= "a"{9999999999}', "expected a count"),
        ("root ::= <think", "expected a token"),
        ("root ::= !<think>", "negated tokens are not supported"),
        ("root ::= " + "(" * 5_000, "nested too deeply"),
        ('root ::= "\\', "unknown escape"),
        ("root ::= * ", "unexpected"),
    ],
)
def test_an_error_names_the_place(grammar: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        to_lark(grammar)
    assert says in str(error.value)
    assert "line " in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(alphabet='ro t:=|()[]{}"\\*+?,0-9abxu\n#^<>.!', max_size=60))
def test_nonsense_is_refused_or_understood(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        to_lark(text)


def _expressions(parts: "st.SearchStrategy[tuple[str, str]]") -> "st.SearchStrategy[tuple[str, str]]":
    def joined(a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
        return f"({a[0]}) ({b[0]})", f"(?:{a[1]})(?:{b[1]})"

    def either(a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
        return f"{a[0]} | {b[0]}", f"{a[1]}|{b[1]}"

    def repeated(a: tuple[str, str], count: str) -> tuple[str, str]:
        return f"({a[0]}){count}", f"(?:{a[1]}){count}"

    counts = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}"])
    return st.builds(joined, parts, parts) | st.builds(either, parts, parts) | st.builds(repeated, parts, counts)


PAIRS = st.recursive(
    st.sampled_from([('"a"', "a"), ('"ab"', "ab"), ("[ab]", "[ab]"), ("[^a]", "[^a]"), (".", "[\\s\\S]"), ('""', "")]),
    _expressions,
    max_leaves=6,
)


@given(PAIRS, st.lists(st.text(alphabet="ab\n", max_size=6), max_size=5))
def test_what_is_not_recursive_is_the_same_as_a_regular_expression(pair: tuple[str, str], texts: list[str]) -> None:
    rules, regex = pair
    for text in texts:
        assert matches(gbnf(f"root ::= {rules}"), text) == bool(re.fullmatch(regex, text))


# Rules that name one another, as nested tuples: ("text", …), ("class", …), ("rule", …), ("repeat", node, least, most),
# ("sequence", nodes), ("choice", nodes).

_RULES = ("root", "x", "y")


def _nodes() -> "st.SearchStrategy[Any]":
    leaf = st.sampled_from(
        [("text", "a"), ("text", "ab"), ("text", "b"), ("text", "cc"), ("class", "ab"), ("class", "c")]
    ) | st.sampled_from([("rule", name) for name in _RULES])
    return st.recursive(
        leaf,
        lambda part: (
            st.tuples(st.just("sequence"), st.lists(part, max_size=3))
            | st.tuples(st.just("choice"), st.lists(part, min_size=1, max_size=3))
            | st.tuples(st.just("repeat"), part, st.integers(0, 1), st.sampled_from([1, 2, None]))
        ),
        max_leaves=5,
    )


def _in_gbnf(node: Any) -> str:
    match node:
        case ("text", text):
            return f'"{text}"'
        case ("class", characters):
            return f"[{characters}]"
        case ("rule", name):
            return str(name)
        case ("sequence", nodes):
            return "(" + (" ".join(map(_in_gbnf, nodes)) or '""') + ")"
        case ("choice", nodes):
            return "(" + " | ".join(map(_in_gbnf, nodes)) + ")"
        case (_, repeated, least, most):
            return f"({_in_gbnf(repeated)}){{{least},{'' if most is None else most}}}"
    raise AssertionError(node)


class _Recognizer:
    """Tries everything: for each rule and place, where what it describes may end, until nothing new is found."""

    def __init__(self, rules: dict[str, Any], text: str) -> None:
        self._text = text
        self._ends: dict[tuple[str, int], set[int]] = {
            (name, place): set() for name in rules for place in range(len(text) + 1)
        }
        grown = True
        while grown:
            grown = False
            for (name, place), ends in self._ends.items():
                found = self._of(rules[name], place)
                grown |= not found <= ends
                ends |= found
        self.matches = len(text) in self._ends["root", 0]

    def _of(self, node: Any, place: int) -> set[int]:
        match node:
            case ("text", text):
                return {place + len(text)} if self._text.startswith(text, place) else set()
            case ("class", characters):
                return {place + 1} if self._text[place : place + 1] and self._text[place] in characters else set()
            case ("rule", name):
                return set(self._ends[name, place])
            case ("sequence", nodes):
                ends = {place}
                for part in nodes:
                    ends = {end for begin in ends for end in self._of(part, begin)}
                return ends
            case ("choice", nodes):
                return {end for part in nodes for end in self._of(part, place)}
            case (_, repeated, least, most):
                ends, found = {place}, {place} if least == 0 else set()
                for count in range(1, (len(self._text) + 1 if most is None else most) + 1):
                    ends = {end for begin in ends for end in self._of(repeated, begin)}
                    found |= ends if count >= least else set()
                return found
        raise AssertionError(node)


@given(
    st.fixed_dictionaries({name: _nodes() for name in _RULES}),
    st.lists(st.text(alphabet="abc", max_size=5), min_size=1, max_size=6),
)
def test_recursive_rules_mean_what_trying_everything_finds(rules: dict[str, Any], texts: list[str]) -> None:
    grammar = gbnf("\n".join(f"{name} ::= {_in_gbnf(node)}" for name, node in rules.items()))
    for text in texts:
        try:
            found = matches(grammar, text)
        except (InvalidRequest, EngineError):  # no text ever ends
            found = False
        assert found == _Recognizer(rules, text).matches, text
