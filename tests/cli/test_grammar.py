from pathlib import Path

import pytest

from mistral_tui.cli.grammar import GrammarFlags, read_grammar
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.requests import GRAMMAR_LIMIT, Grammar

pytestmark = pytest.mark.core


def flags(**given: str) -> GrammarFlags:
    return GrammarFlags(**given)


def test_without_a_flag_a_reply_is_free() -> None:
    assert read_grammar(flags()) is None


def test_a_schema_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('\ufeff{"type": "object"}', encoding="utf-8")
    assert read_grammar(flags(schema=str(file))) == Grammar("json_schema", '{"type": "object"}')


def test_a_grammar_is_a_text_or_a_file_whose_suffix_tells_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "list.gbnf"
    file.write_text('root ::= "a"\n', encoding="utf-8")
    assert read_grammar(flags(grammar=str(file))) == Grammar("gbnf", 'root ::= "a"\n')
    assert read_grammar(flags(grammar="yes|no", grammar_kind="regex")) == Grammar("regex", "yes|no")
    (tmp_path / "form").write_text("[a-z]+\n", encoding="utf-8")
    assert read_grammar(flags(grammar=str(tmp_path / "form"), grammar_kind="regex")) == Grammar("regex", "[a-z]+")


def test_what_makes_no_sense_is_a_wrong_call_in_one_line(tmp_path: Path) -> None:
    def file(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    cases = [
        (flags(schema=str(tmp_path / "none.json")), "none.json cannot be read: No such file"),
        (flags(schema=str(tmp_path)), "cannot be read"),
        (flags(schema=file("a.json", b'{\n  "type": }')), "a.json is no JSON: line 2, column 11"),
        (flags(schema=file("b.json", b"[" * 100_000)), "nested too deeply"),
        (flags(schema=file("c.json", b'{"minimum": NaN}')), "NaN is not a JSON value"),
        (flags(schema=file("d.json", b"\xff\x00")), "d.json is not UTF-8 text"),
        (flags(schema=file("e.json", b" " * 10_000_000)), "e.json is too large"),
        (flags(schema=file("f.json", b" " * GRAMMAR_LIMIT + b"{}")), "at most"),
        (flags(schema="x", grammar="y"), "cannot be had together"),
        (flags(grammar="a|b"), "add --grammar-kind"),
        (flags(grammar="a" * 5_000), "add --grammar-kind"),
        (flags(grammar="a\0b"), "add --grammar-kind"),
        (flags(grammar_kind="lark"), "--grammar"),
        (flags(grammar="\udcff", grammar_kind="regex"), "not valid Unicode"),
    ]
    for given, says in cases:
        with pytest.raises(InvalidRequest, match=says) as error:
            read_grammar(given)
        assert "\n" not in str(error.value)
