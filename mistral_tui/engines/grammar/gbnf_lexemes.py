"""GBNF in the Lark of llguidance: which parts of a grammar become lexemes.

GBNF is about characters. llguidance cuts a text into lexemes first, each as long as possible, and parses those; a
lexeme that swallows what should come after it changes the meaning of a grammar. So, unless a grammar has no recursion
and is one lexeme as a whole, a lexeme is either a single character, or a part of the grammar in which no text begins
with another one (a JSON string, a keyword), and with whose first characters no other lexeme begins. It is certain then
where it ends, and the meaning stays the same. The longer the lexemes, the faster are the masks.
"""

import json
import re
from collections.abc import Iterator
from collections.abc import Sequence as Several
from itertools import islice, pairwise
from typing import Final

from mistral_tui.engines.grammar.gbnf_nodes import (
    Characters,
    Choice,
    Node,
    Ranges,
    Reference,
    Repeated,
    Rules,
    Sequence,
    Text,
    Token,
    joined,
    overlap,
    parts,
    references,
)

_LONGEST_RUN: Final = 16
"""Parts of a sequence that are joined to a lexeme at most: finding them takes the square of it."""
_NAME: Final = re.compile(r"[rLT]\d+")
_MOST_LONG: Final = 300
"""Lexemes of more than one character: comparing them takes the square of it."""


def written_in_lark(rules: Rules) -> str:
    """Return rules that begin with `root`, all of whose references lead somewhere, in Lark."""
    analysis = _Analysis(rules)
    parted: set[str] = set()
    while True:
        writer = _Writer(rules, analysis, parted)
        if not (collisions := writer.collisions()):
            return "\n".join(writer.lines)
        parted |= collisions


class _Analysis:
    """What can be said of the parts of a grammar that are not recursive."""

    def __init__(self, rules: Rules) -> None:
        self._first: dict[str, tuple[Ranges, bool]] = {}
        self._certain: dict[str, bool] = {}
        # In the order of their dependencies, so that following them needs no recursion.
        for name in _without_recursion(rules):
            self._certain[name] = self.ends_for_certain(rules[name])
            self._first[name] = self.first(rules[name])

    def is_regular(self, node: Node) -> bool:
        """Return whether it leads to no recursive rule and to no token."""
        return references(node) <= self._first.keys() and not any(isinstance(part, Token) for part in parts(node))

    def first(self, node: Node) -> tuple[Ranges, bool]:
        """Return with which characters a regular part begins, and whether it may be empty."""
        match node:
            case Text(text):
                return (((ord(text[0]), ord(text[0])),), False) if text else ((), True)
            case Characters(ranges):
                return ranges, False
            case Reference(name):
                return self._first[name]
            case Repeated(repeated, least, most):
                if most == 0:
                    return (), True
                ranges, empty = self.first(repeated)
                return ranges, empty or least == 0
            case Choice(nodes):
                firsts = [self.first(one) for one in nodes]
                return joined(found for ranges, _ in firsts for found in ranges), any(empty for _, empty in firsts)
            case Sequence(nodes):
                begin: Ranges = ()
                for one in nodes:
                    ranges, empty = self.first(one)
                    begin = joined((*begin, *ranges))
                    if not empty:
                        return begin, False
                return begin, True
            case Token():
                raise AssertionError("a token is no part of a lexeme")

    def ends_for_certain(self, node: Node) -> bool:
        """Return whether of the texts of a regular part none is empty and none begins with another."""
        match node:
            case Text(text):
                return bool(text)
            case Characters():
                return True
            case Reference(name):
                return self._certain[name]
            case Repeated(repeated, least, most):
                return least == most and least > 0 and self.ends_for_certain(repeated)
            case Choice(nodes):
                return all(map(self.ends_for_certain, nodes)) and self._are_apart(nodes)
            case Sequence(nodes):
                return self.run_ends_for_certain(nodes)
            case Token():
                return False

    def run_ends_for_certain(self, nodes: Several[Node]) -> bool:
        """Return the same of parts one after the other."""
        following: Ranges = ()
        for place, node in enumerate(reversed(nodes)):
            ranges, empty = self.first(node)
            if not self.ends_for_certain(node):
                # What is repeated, or may be missing, must not be taken for what follows, and something must follow.
                loop = isinstance(node, Repeated) and self.ends_for_certain(node.node)
                if place == 0 or not loop or overlap(ranges, following):
                    return False
            following = joined((*following, *ranges)) if empty else ranges
        return bool(nodes)

    def _are_apart(self, nodes: Several[Node]) -> bool:
        if all(isinstance(node, Text) for node in nodes):
            texts = sorted(node.text for node in nodes if isinstance(node, Text))
            return not any(after.startswith(before) for before, after in pairwise(texts))
        if all(map(_is_character, nodes)):
            return True
        begun: Ranges = ()
        for node in nodes:
            ranges, _ = self.first(node)
            if overlap(begun, ranges):
                return False
            begun = joined((*begun, *ranges))
        return True


class _Writer:
    """Writes the rules that `root` needs as `r0`, `r1`, …, lexemes as `L0`, … and what these name as `T0`, ….."""

    def __init__(self, rules: Rules, analysis: _Analysis, parted: set[str]) -> None:
        self._analysis = analysis
        self._parted = parted
        """How lexemes are written that had to be taken apart."""
        self._numbers = {name: number for number, name in enumerate(rules)}
        self._lexemes: dict[str, str] = {}
        """Their names, by how they are written."""
        self._nodes: dict[str, Node] = {}
        self._rules_in_use: dict[str, None] = {}
        self._terminals_in_use: dict[str, None] = {}
        root = Reference("root", 0)
        if analysis.is_regular(root):
            self.lines = [f"start: {self._lexeme(root)}"]
        else:
            self.lines = [f"start: {self._in_rule(root)}"]
            for name in _growing(self._rules_in_use):
                self.lines.append(f"r{self._numbers[name]}: {self._in_rule(rules[name])}")
        self.lines += [f"{name}: {written}" for written, name in self._lexemes.items()]
        for name in _growing(self._terminals_in_use):
            self.lines.append(f"T{self._numbers[name]}: {self._in_lexeme(rules[name])}")

    def collisions(self) -> set[str]:
        """Return the lexemes, as they are written, with whose first characters other ones begin, too."""
        if len(self._lexemes) == 1:
            return set()
        long = {written for written, node in self._nodes.items() if not _is_character(node)}
        if len(long) > _MOST_LONG:
            return long
        return {one for one in long if any(one != other and self._collide(one, other) for other in self._lexemes)}

    def _collide(self, one: str, other: str) -> bool:
        match self._nodes[one], self._nodes[other]:
            case Text(first), Text(second):
                return first.startswith(second) or second.startswith(first)
            case first, second:
                return overlap(self._analysis.first(first)[0], self._analysis.first(second)[0])

    def _in_rule(self, node: Node) -> str:
        if isinstance(node, Token):
            return node.name
        if self._analysis.is_regular(node):
            certain = self._analysis.ends_for_certain(node)
            if _is_character(node) or (certain and self._in_lexeme(node) not in self._parted):
                return self._lexeme(node)
        match node:
            case Reference(name):
                self._rules_in_use[name] = None
                return f"r{self._numbers[name]}"
            case Repeated(repeated, least, most):
                written = self._in_rule(repeated)
                alone = isinstance(repeated, Choice) or _NAME.fullmatch(written)
                return (written if alone else f"({written})") + _counts(least, most)
            case Choice(nodes):
                return "(" + " | ".join(map(self._in_rule, nodes)) + ")"
            case Sequence(nodes):
                return " ".join(self._runs(nodes)) or '""'
            case Text(text):
                return " ".join(self._lexeme(Text(character)) for character in text) or '""'
            case Characters() | Token():
                raise AssertionError("written above")

    def _runs(self, nodes: tuple[Node, ...]) -> list[str]:
        """Write a sequence, and as much of it as possible in one lexeme."""
        written = []
        place = 0
        while place < len(nodes):
            run = self._longest_run(nodes[place : place + _LONGEST_RUN])
            written.append(self._in_rule(Sequence(run) if len(run) > 1 else nodes[place]))
            place += max(1, len(run))
        return written

    def _longest_run(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        regular = 0
        while regular < len(nodes) and self._analysis.is_regular(nodes[regular]):
            regular += 1
        for end in range(regular, 1, -1):
            run = nodes[:end]
            if self._analysis.run_ends_for_certain(run) and self._in_lexeme(Sequence(run)) not in self._parted:
                return run
        return ()

    def _lexeme(self, node: Node) -> str:
        written = self._in_lexeme(node)
        self._nodes.setdefault(written, node)
        return self._lexemes.setdefault(written, f"L{len(self._lexemes)}")

    def _in_lexeme(self, node: Node) -> str:
        match node:
            case Text(text):
                # JSON's escapes, but no surrogate pairs: what is beyond ASCII stands for itself.
                return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
            case Characters(ranges):
                return "/[" + "".join(f"\\u{{{first:x}}}-\\u{{{last:x}}}" for first, last in ranges) + "]/"
            case Reference(name):
                self._terminals_in_use[name] = None
                return f"T{self._numbers[name]}"
            case Repeated(repeated, least, most):
                written = self._in_lexeme(repeated)
                alone = not isinstance(repeated, Sequence | Repeated)
                return (written if alone else f"({written})") + _counts(least, most)
            case Choice(nodes):
                return "(" + " | ".join(map(self._in_lexeme, nodes)) + ")"
            case Sequence(nodes):
                return " ".join(map(self._in_lexeme, nodes)) or '""'
            case Token():
                raise AssertionError("a token is no part of a lexeme")


def _is_character(node: Node) -> bool:
    return isinstance(node, Characters) or (isinstance(node, Text) and len(node.text) == 1)


def _without_recursion(rules: Rules) -> list[str]:
    """Return the rules that lead to no recursive one and to no token, each after those that it names."""
    needs = {name: references(node) for name, node in rules.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in rules}
    for name, others in needs.items():
        for other in others:
            needed_by[other].append(name)
    with_tokens = {name for name, node in rules.items() if any(isinstance(part, Token) for part in parts(node))}
    found = [name for name, others in needs.items() if not others and name not in with_tokens]
    for name in found:
        for other in needed_by[name]:
            needs[other].discard(name)
            if not needs[other] and other not in with_tokens:
                found.append(other)
    return found


def _growing(names: dict[str, None]) -> Iterator[str]:
    """Yield the keys of a dictionary, those included that are added meanwhile."""
    done = 0
    while new := list(islice(names, done, None)):
        done += len(new)
        yield from new


def _counts(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    return short or f"{{{least},{'' if most is None else most}}}"
