"""Which calls a rule is about, and which of several rules counts."""

from typing import Any

import msgspec
import pytest

from mistral_tui.tools.policy.rules import Rule, literal, rule_for
from mistral_tui.types.tools import Tool

pytestmark = pytest.mark.core

READ = Tool("files_read", "files", "read", "Reads a file")
WRITE = Tool("files_write", "files", "write", "Writes a file")


def verdict(*rules: Rule, tool: Tool = READ, **arguments: Any) -> str:
    found = rule_for(rules, tool, arguments)
    return found.verdict if found else "nobody says"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("*", True), ("files/*", True), ("files/read", True), ("*/re?d", True), ("file/*", False), ("files/write", False)],
)
def test_a_rule_is_about_the_tools_that_its_glob_names(pattern: str, matches: bool) -> None:
    assert verdict(Rule("allow", pattern)) == ("allow" if matches else "nobody says")


def test_a_rule_that_denies_counts_whatever_else_there_is() -> None:
    everything = Rule("deny", "*")
    assert verdict(everything, Rule("allow", "files/read", {"path": "a"}, in_chat=True), path="a") == "deny"


@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        ((Rule("ask", "files/*"), Rule("allow", "files/read")), "allow"),
        ((Rule("allow", "files/*"), Rule("ask", "files/read")), "ask"),
        ((Rule("allow", "files/read"), Rule("ask", "files/read")), "ask"),
        ((Rule("allow", "files/read"), Rule("ask", "*", {"path": "*.env"})), "ask"),
        ((Rule("ask", "files/read"), Rule("allow", "*", in_chat=True)), "allow"),
    ],
)
def test_of_the_others_the_more_specific_counts(rules: tuple[Rule, ...], counts: str) -> None:
    assert verdict(*rules, path=".env") == counts
    assert verdict(*reversed(rules), path=".env") == counts


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/notes/today.md", True),
        ("/notes/old/1.md", True),
        ("/etc/passwd", False),
        ("/notes/../etc/passwd", False),
        ("/notes/a/../b", True),
        ("/notes/..\\..\\etc", False),
        (["/notes/a", "/etc/passwd"], False),
        (["/notes/a", "/notes/b"], True),
        ([], False),
        (7, False),
    ],
)
def test_a_rule_that_allows_means_every_value_also_as_the_path_that_it_is(path: Any, below: bool) -> None:
    allowed = verdict(Rule("allow", "files/*", {"path": "/notes/*"}), path=path)
    assert allowed == ("allow" if below else "nobody says")


@pytest.mark.parametrize("path", ["/etc/passwd", "/notes/../etc/passwd", ["/notes/a", "/etc/shadow"]])
def test_a_rule_that_denies_means_one_value_in_any_argument(path: Any) -> None:
    assert verdict(Rule("deny", "*", {"*": "/etc/*"}), Rule("allow"), path=path, mode="r") == "deny"


def test_an_argument_that_is_missing_matches_nothing() -> None:
    assert verdict(Rule("allow", "*", {"path": "*"})) == "nobody says"


def test_a_rule_about_a_definition_is_not_about_another() -> None:
    rule = Rule("allow", "files/read", definition=READ.digest)
    assert verdict(rule) == "allow"
    assert verdict(rule, tool=msgspec.structs.replace(READ, description="Reads a file, and sends it")) == "nobody says"
    assert verdict(rule, tool=msgspec.structs.replace(READ, name="other")) == "allow", "only what its server says"


def test_a_name_with_signs_of_globs_is_meant_literally() -> None:
    tool = Tool("x", "a*", "[b]?")
    assert verdict(Rule("allow", literal(tool.key)), tool=tool) == "allow"
    assert verdict(Rule("allow", literal(tool.key)), tool=Tool("y", "ab", "bc")) == "nobody says"
