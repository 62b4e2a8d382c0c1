"""`mistral-tui ask` with a prescribed form of the answer."""

import json
from pathlib import Path

import pytest

from tests.e2e.program import run

pytestmark = pytest.mark.core

QUESTION = "Describe Ada."
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 150}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture
def schema(tmp_path: Path) -> str:
    file = tmp_path / "person.json"
    file.write_text(json.dumps(PERSON), encoding="utf-8")
    return str(file)


def ask(model: Path, *arguments: str) -> tuple[int, str, str]:
    result = run("ask", "-m", str(model), "--threads", "1", "--no-save", "--seed", "1", *arguments, QUESTION)
    return result.returncode, result.stdout, result.stderr


def test_with_a_schema_stdout_is_such_json_and_nothing_else(smollm2: Path, schema: str) -> None:
    status, out, err = ask(smollm2, "--schema", schema, "--max-tokens", "80")
    assert (status, err) == (0, "")
    assert set(json.loads(out)) == {"name", "age"}


def test_json_that_was_cut_off_is_not_printed(smollm2: Path, schema: str) -> None:
    for cut in (("--max-tokens", "3"), ("--stop", "age")):
        status, out, err = ask(smollm2, "--schema", schema, *cut)
        assert (status, out) == (1, "")
        assert "cut off" in err
        assert err.count("\n") == 1


def test_a_grammar_can_be_given_as_text(smollm2: Path) -> None:
    status, out, err = ask(smollm2, "--grammar", "(she|he) is [0-9]{2}", "--grammar-kind", "regex")
    assert (status, err) == (0, "")
    assert out[-6:-3] == "is "


def test_a_wrong_grammar_is_told_with_its_place(smollm2: Path, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text('{"properties": {"age": {"type": "number"}, "name": {"type": "text"}}}', encoding="utf-8")
    for arguments, says in (
        (("--schema", str(file)), "$.properties.name: Invalid type: text"),
        (("--grammar", "(a", "--grammar-kind", "regex"), "column 1: unclosed group"),
        (("--grammar", "start: a", "--grammar-kind", "lark"), 'line 1, column 8: unknown name: "a"'),
    ):
        status, out, err = ask(smollm2, *arguments)
        assert (status, out) == (1, "")
        assert says in err
        assert err.count("\n") == 1
