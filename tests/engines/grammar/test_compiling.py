"""Grammars of all kinds: what they allow, and how they are refused."""

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.types.errors import EngineError, InvalidRequest
from mistral_tui.types.requests import GRAMMAR_LIMIT, Grammar, GrammarKind
from tests.engines.grammar.matching import END, allowed, constraint, matches, written

pytestmark = pytest.mark.core


def schema(document: object) -> Grammar:
    return Grammar("json_schema", json.dumps(document))


def nested(levels: int) -> str:
    return '{"items": ' * levels + "{}" + "}" * levels


@pytest.mark.parametrize(
    ("kind", "grammar", "says"),
    [
        ("regex", "ab(c", "the regular expression is invalid: column 3: unclosed group"),
        ("regex", "é[a-", "column 2: unclosed character class"),
        ("regex", "(?=a)", "column 1: look-around"),
        ("regex", r"(a)\1", "column 4: backreferences are not supported"),
        ("regex", "ab\n(c", "unclosed group"),
        ("regex", "a\\", "nothing follows the backslash"),
        ("regex", "(" * 5_000, "the regular expression is invalid"),
        ("regex", r"[^\x00-\U0010FFFF]", "allows no text at all"),
        ("lark", "", "Empty grammar"),
        ("lark", "start: a\n\na: b", 'line 3, column 4: unknown name: "b"'),
        ("lark", 'start: "a', "line 1, column 10: lexer error"),
        ("lark", "start: a\na: /[/", "line 2, column 4: invalid regular expression: unclosed character class"),
        ("lark", "begin: a", "the Lark grammar is invalid"),
        ("lark", "start: start", "allows no text at all"),
        ("lark", "start: <nonsense>", "unknown special token"),
        ("lark", "start: " + "(" * 5_000, "nested"),
        ("lark", 'start: %json {"type": "strin"}', "line 1, column 8: failed to compile JSON schema: Invalid type"),
        ("lark", "%import /etc/passwd\nstart: /a/", "line 1, column 9"),
        ("gbnf", "root ::= [a", "the GBNF grammar is invalid: line 1, column 10"),
        ("gbnf", "root ::= root", "allows no text at all"),
        ("llguidance", "[", "the llguidance grammar is no JSON: line 1, column 2"),
        ("llguidance", "[]", "must be a JSON object"),
        ("llguidance", '{"grammars": []}', "empty grammars array"),
        ("llguidance", '{"x": 1}', "missing field `grammars`"),
        ("llguidance", '{"grammars": [{"lark_grammar": "start: a"}]}', 'unknown name: "a"'),
        ("llguidance", '{"grammars": [{"name": "g", "lark_grammar": "start: @g"}]}', "allows no text at all"),
        ("json_schema", '{\n "type":\n}', "the JSON schema is no JSON: line 3, column 1"),
        ("json_schema", "[]", "must be an object"),
        ("json_schema", "3", "must be an object"),
        ("json_schema", "false", "$: Unsatisfiable schema"),
        ("json_schema", nested(120), "nested too deeply"),
        ("json_schema", nested(10_000), "nested too deeply"),
        ("json_schema", '{"maximum": 1e999, "type": "number"}', "the JSON schema"),
        ("json_schema", '{"maximum": ' + "9" * 5_000 + "}", "the JSON schema"),
        ("json_schema", '{"const": "\\ud800"}', "the JSON schema"),
    ],
)  # fmt: skip
def test_a_wrong_grammar_is_refused_in_one_line_that_names_the_place(
    kind: GrammarKind, grammar: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        constraint(Grammar(kind, grammar))
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"type": "objekt"}, "$: Invalid type: objekt"),
        ({"properties": {"a": {"items": {"type": "strin"}}}}, "$.properties.a.items: Invalid type: strin"),
        ({"properties": {"a/b~c%": {"type": "strin"}}}, "$.properties.a/b~c%: Invalid type"),
        ({"anyOf": [{}, {"allOf": [{"type": 3}]}]}, "$.anyOf[1].allOf[0]: "),
        ({"properties": {"a": {"not": {"type": "null"}}}}, '$.properties.a: "not" cannot be enforced'),
        ({"items": {"uniqueItems": True}}, '$.items: "uniqueItems" cannot be enforced'),
        ({"$defs": {"a": {"type": "strin"}}, "items": {"$ref": "#/$defs/a"}}, "$.$defs.a: Invalid type"),
        ({"items": {"$ref": "https://example.com/a.json"}}, "https://example.com/a.json, which is not in the schema"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "nothing is fetched"),
        ({"items": {"$ref": "#/$defs/none"}}, '$.items: "$ref" leads to #/$defs/none, which is not there'),
        ({"$ref": "#"}, "allows no text at all"),
        ({"items": {"type": "string", "pattern": "(?=a)b"}}, "$.items: invalid pattern: look-around"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "$: Unsatisfiable schema"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, 'use "anyOf"'),
        ({"enum": []}, "the JSON schema is invalid: $"),
        ({"properties": {"c": {"$ref": "#"}}, "required": ["c"], "minProperties": "x"}, "minProperties"),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_followed_is_refused_with_its_path(document: object, says: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        constraint(schema(document))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("document", "right", "wrong"),
    [
        (True, ['{"a": [1, null, "x"]}', "-1.5e3", "true"], ["{", "nul", "'x'"]),
        ({"type": "string", "maxLength": 100_000}, ['"' + "x" * 50 + '"'], ['"']),
        ({"type": "string", "pattern": "b+c"}, ['"abbcd"', '"bc"'], ['"b"']),
        ({"type": "string", "pattern": r"^\d{2}$"}, ['"12"'], ['"1"', '"123"']),
        ({"type": "string", "format": "date"}, ['"2026-02-28"'], ['"today"']),
        ({"type": "string", "format": "of-our-own"}, ['"anything"'], ["1"]),
        ({"enum": ['say "hi"', 1, None, {"a": []}]}, ['"say \\"hi\\""', "1", "null", '{"a":[]}'], ['"hi"', "2"]),
        ({"enum": [f"value {n}" for n in range(3_000)]}, ['"value 2999"'], ['"value 3000"']),
        ({"type": "object", "properties": {"a": True, "b": False}}, ['{"a": 1}', '{"c": 2}'], ['{"b": 1}']),
        ({"type": "array", "items": {"$ref": "#"}}, ["[[], [[]]]"], ["[1]"]),
        ({"not": {}, "x-guidance": {"lenient": True}}, ["1"], ["{"]),
        ({"type": ["string", "null"]}, ['"a"', "null"], ["1"]),
        ({"const": 1, "title": "t", "default": {"type": "nonsense"}, "examples": [3]}, ["1"], ["2"]),
    ],
)
def test_what_schemas_allow(document: object, right: list[str], wrong: list[str]) -> None:
    assert all(matches(schema(document), text) for text in right)
    assert not any(matches(schema(document), text) for text in wrong)


def test_blanks_in_json_have_an_end() -> None:
    pair = schema({"type": "array", "items": {"type": "integer"}})
    assert matches(pair, "[\n    1,\n    2\n]")
    assert matches(pair, "[1, 2]")
    assert not matches(pair, "[1,  2]")
    assert not matches(pair, "[\n\n1]")


def test_a_grammar_is_followed_from_where_it_begins() -> None:
    followed = constraint(Grammar("regex", r'\{"name": "[a-z]{3}"\}'))
    for _ in range(2):  # once for each call of a reply
        assert followed.begin('{"name": "ab')
        assert allowed(followed) == list(range(ord("a"), ord("z") + 1))
        followed.accept(ord("c"))
        followed.accept(ord('"'))
        assert not followed.done
        assert not followed.allows(END)
        followed.accept(ord("}"))
        assert followed.done
    assert not followed.begin('{"title')
    assert followed.begin()
    assert allowed(followed) == [ord("{")]


def test_copies_go_their_own_ways() -> None:
    first = constraint(Grammar("regex", "ab|cd"))
    second = first.copy()
    first.accept(ord("a"))
    assert allowed(first) == [ord("b")]
    assert allowed(second) == [ord("a"), ord("c")]


def test_a_token_that_is_not_allowed_is_an_error() -> None:
    followed = constraint(Grammar("regex", "ab"))
    with pytest.raises(EngineError, match="cannot be followed"):
        followed.accept(ord("b"))


def test_large_grammars_are_refused_at_once() -> None:
    with pytest.raises(InvalidRequest, match=r"10,000,000 characters; at most 131,072"):
        Grammar("lark", "a" * 10_000_000)
    Grammar("lark", "a" * GRAMMAR_LIMIT)


def test_rules_may_lead_on_for_ever_and_choices_may_be_many() -> None:
    deep = "\n".join(f'r{n}: "(" r{n + 1}' for n in range(2_000))
    assert matches(Grammar("lark", f'start: r0\n{deep}\nr2000: "x"'), "(" * 2_000 + "x")
    assert matches(Grammar("regex", "|".join(f"word{n}" for n in range(5_000))), "word4999")


REGEXES = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", "[^a]", "a?", "b*", "é", r"\.", "[0-9]"]),
    lambda part: (
        st.builds("(?:{})(?:{})".format, part, part)
        | st.builds("(?:{}|{})".format, part, part)
        | st.builds("(?:{}){}".format, part, st.sampled_from(["?", "{0,3}", "{2}", "{1,2}"]))
    ),
    max_leaves=6,
)


@given(REGEXES, st.lists(st.text(alphabet="abé.0", max_size=5), max_size=4), st.randoms(use_true_random=False))
def test_a_reply_under_a_regular_expression_matches_it(regex: str, texts: list[str], chance: random.Random) -> None:
    grammar = Grammar("regex", regex)
    for text in texts:
        assert matches(grammar, text) == bool(re.fullmatch(regex, text))

    def choose(tokens: list[int]) -> int:
        return END if END in tokens and chance.random() < 0.5 else chance.choice(tokens)

    assert re.fullmatch(regex, written(grammar, choose))


LEAVES: "st.SearchStrategy[dict[str, Any]]" = st.sampled_from(
    [
        {"type": "integer", "minimum": -5, "maximum": 120},
        {"type": "boolean"},
        {"type": "null"},
        {"type": "string", "maxLength": 4},
        {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-c]+$"},
        {"enum": ["x", 'say "y"', 3]},
        {"const": [1, {"a": None}]},
    ]
)


def _object(properties: dict[str, Any], required: bool) -> dict[str, Any]:
    names = sorted(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": names if required else names[:1],
        "additionalProperties": False,
    }


SCHEMAS = st.recursive(
    LEAVES,
    lambda part: (
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 1, "maxItems": 3}, part)
        | st.builds(_object, st.dictionaries(st.sampled_from(["a", "b", 'q"']), part, max_size=3), st.booleans())
        | st.builds(lambda one, other: {"anyOf": [one, other]}, part, part)
    ),
    max_leaves=5,
)


@given(SCHEMAS, st.randoms(use_true_random=False))
def test_a_reply_under_a_schema_is_valid(document: dict[str, Any], chance: random.Random) -> None:
    def choose(tokens: list[int]) -> int:
        return END if END in tokens else chance.choice(tokens)

    assert valid(json.loads(written(schema(document), choose)), document)


def valid(value: Any, document: dict[str, Any]) -> bool:
    """Whether `value` is what one of `SCHEMAS` asks for."""
    match document:
        case {"anyOf": several}:
            return any(valid(value, one) for one in several)
        case {"enum": several}:
            return value in several
        case {"const": wanted}:
            return bool(value == wanted)
        case {"type": "integer"}:
            return type(value) is int and document["minimum"] <= value <= document["maximum"]
        case {"type": "boolean"}:
            return type(value) is bool
        case {"type": "null"}:
            return value is None
        case {"type": "string"}:
            if not isinstance(value, str) or not re.search(document.get("pattern", ""), value):
                return False
            return bool(document.get("minLength", 0) <= len(value) <= document["maxLength"])
        case {"type": "array"}:
            return isinstance(value, list) and 1 <= len(value) <= 3 and all(valid(v, document["items"]) for v in value)
        case _:
            properties = document["properties"]
            if not isinstance(value, dict):
                return False
            return set(document["required"]) <= set(value) <= set(properties) and all(
                valid(value[name], properties[name]) for name in value
            )
