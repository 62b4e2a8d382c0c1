"""Replies of a prescribed form, with a real model."""

import json
import re
from typing import Any

import pytest

from mistral_tui.types.requests import Grammar, GrammarKind
from tests.engines.gguf.client import Client, user

pytestmark = pytest.mark.core

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WARM = [
    {"temperature": 0.0},
    {"seed": 1, "temperature": 0.8},
    {"seed": 2, "temperature": 2.0},
    {"top_k": 1, "temperature": 1.0},
]


def schema(document: object) -> Grammar:
    return Grammar("json_schema", json.dumps(document))


@pytest.mark.parametrize("sampling", WARM, ids=str)
def test_a_reply_under_a_json_schema_is_such_json(engine: Client, sampling: dict[str, Any]) -> None:
    asked = engine.answer(user("Describe Ada."), grammar=schema(PERSON), max_tokens=80, **sampling)
    assert asked.reason == "stop"
    person = json.loads(asked.text)
    assert set(person) == {"name", "age"}
    assert isinstance(person["name"], str)
    assert len(person["name"]) <= 12
    assert isinstance(person["age"], int)
    assert person["age"] >= 0


@pytest.mark.parametrize("sampling", WARM, ids=str)
@pytest.mark.parametrize(
    ("kind", "grammar", "pattern"),
    [
        ("regex", r"[A-Z][a-z]{2,8}, \d{3}", r"[A-Z][a-z]{2,8}, \d{3}"),
        (
            "lark",
            'start: animal " and " animal\nanimal: "cat" | "dog" | "mouse"',
            r"(cat|dog|mouse) and (cat|dog|mouse)",
        ),
        ("gbnf", 'root ::= "<" [0-9]{1,3} unit ">"\nunit ::= "px" | "em"', r"<[0-9]{1,3}(px|em)>"),
        ("llguidance", '{"grammars": [{"lark_grammar": "start: /[xy]{4}/"}]}', r"[xy]{4}"),
    ],
)
def test_a_reply_keeps_to_a_grammar_of_each_kind(
    engine: Client, kind: GrammarKind, grammar: str, pattern: str, sampling: dict[str, Any]
) -> None:
    asked = engine.answer(user("Name two animals."), grammar=Grammar(kind, grammar), **sampling)
    assert asked.reason == "stop"
    assert re.fullmatch(pattern, asked.text)


def test_a_grammar_that_allows_everything_changes_nothing(engine: Client) -> None:
    free = engine.answer(user("Count to five."), max_tokens=20)
    bound = engine.answer(user("Count to five."), max_tokens=20, grammar=Grammar("regex", r"(?s:.)*"))
    assert bound.text == free.text
    assert bound.reason == free.reason
