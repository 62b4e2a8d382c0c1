"""GBNF, llama.cpp's notation for grammars, read and translated to the Lark of llguidance.

llama.cpp's own reader of it ends the process when a grammar is wrong. The notation is described in llama.cpp's
`grammars/README.md`; what is read here is all of it but negated tokens (`!<think>`).
"""

import re
from typing import Final, NoReturn

from mistral_tui.engines.grammar.gbnf_lexemes import written_in_lark
from mistral_tui.engines.grammar.gbnf_nodes import (
    ANY,
    Characters,
    Choice,
    Node,
    Reference,
    Repeated,
    Sequence,
    Text,
    Token,
    negated,
)
from mistral_tui.types.errors import InvalidRequest

_DEEPEST: Final = 20
"""Parentheses within parentheses; llguidance takes 30."""
_MOST_REPETITIONS: Final = 3
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]"}
_HEX_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_SPACE: Final = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES: Final = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_TOKEN: Final = re.compile(r"<(?:\[[0-9]+\]|[^\[\]<>\s][^<>\s]*)>")


def to_lark(text: str) -> str:
    """Return the grammar in the Lark of llguidance; it begins with GBNF's rule `root`.

    Raises:
        InvalidRequest: It is no GBNF; says where.
    """
    return written_in_lark(_Reader(text).rules())


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def rules(self) -> dict[str, Node]:
        rules: dict[str, Node] = {}
        references: list[Reference] = []
        self._skip(_SPACE_AND_LINES)
        while self._place < len(self._text):
            begin = self._place
            name = self._name("a rule's name")
            if name in rules:
                self._fail(f"there are two rules named {name}", begin)
            self._skip(_SPACE)
            if not self._text.startswith("::=", self._place):
                self._fail("expected ::=")
            self._place += 3
            self._skip(_SPACE_AND_LINES)
            rules[name] = self._choice(0, references)
            if self._place < len(self._text) and self._text[self._place] not in "\r\n":
                self._fail(f"unexpected {self._text[self._place]!r}")
            self._skip(_SPACE_AND_LINES)
        for reference in references:
            if reference.name not in rules:
                self._fail(f"there is no rule named {reference.name}", reference.place)
        if "root" not in rules:
            self._fail("there is no rule named root, with which the reply begins", 0)
        return rules

    def _choice(self, depth: int, references: list[Reference]) -> Node:
        choices = [self._sequence(depth, references)]
        while True:
            end = self._place
            # The next alternative may begin on a line of its own.
            self._skip(_SPACE_AND_LINES)
            if self._peek() != "|":
                self._place = end if depth == 0 else self._place
                return choices[0] if len(choices) == 1 else Choice(tuple(choices))
            self._place += 1
            self._skip(_SPACE_AND_LINES)
            choices.append(self._sequence(depth, references))

    def _sequence(self, depth: int, references: list[Reference]) -> Node:
        space = _SPACE_AND_LINES if depth else _SPACE
        nodes: list[Node] = []
        while True:
            self._skip(space)
            begin = self._place
            match self._peek():
                case '"':
                    node: Node = self._literal()
                case "[":
                    node = self._class()
                case "<":
                    node = self._token()
                case "(":
                    node = self._group(depth + 1, references)
                case ".":
                    self._place += 1
                    node = Characters(ANY)
                case "!":
                    self._fail("negated tokens are not supported")
                case character if _NAME.match(character):
                    node = Reference(self._name("a name"), begin)
                    references.append(node)
                case _:
                    return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))
            nodes.append(self._repetitions(node, space))

    def _group(self, depth: int, references: list[Reference]) -> Node:
        begin = self._place
        if depth > _DEEPEST:
            self._fail(f"parentheses are nested too deeply; at most {_DEEPEST} levels are taken")
        self._place += 1
        node = self._choice(depth, references)
        if self._peek() != ")":
            self._fail("this parenthesis is not closed", begin)
        self._place += 1
        return node

    def _repetitions(self, node: Node, space: "re.Pattern[str]") -> Node:
        marks = 0
        while True:
            end = self._place
            self._skip(space)
            match self._peek():
                case "*":
                    node = Repeated(node, 0, None)
                    self._place += 1
                case "+":
                    node = Repeated(node, 1, None)
                    self._place += 1
                case "?":
                    node = Repeated(node, 0, 1)
                    self._place += 1
                case "{":
                    node = self._counted(node)
                case _:
                    self._place = end
                    return node
            marks += 1
            if marks > _MOST_REPETITIONS:
                self._fail(f"more than {_MOST_REPETITIONS} repetitions of repetitions")

    def _counted(self, node: Node) -> Node:
        found = re.compile(r"\{\s*([0-9]{1,9})?\s*(,)?\s*([0-9]{1,9})?\s*\}").match(self._text, self._place)
        if found is None or not (found[1] or found[3]) or (found[3] and not found[2]):
            self._fail("expected a count such as {3}, {1,3} or {1,}")
        least = int(found[1] or 0)
        most = int(found[3]) if found[3] else None if found[2] else least
        if most is not None and most < least:
            self._fail("the smaller count comes first")
        self._place = found.end()
        return Repeated(node, least, most)

    def _literal(self) -> Text:
        begin = self._place
        self._place += 1
        text = []
        while (character := self._peek()) != '"':
            if not character or character in "\r\n":
                self._fail("this string is not closed", begin)
            text.append(self._character())
        self._place += 1
        return Text("".join(text))

    def _class(self) -> Characters:
        begin = self._place
        self._place += 1
        is_negated = self._peek() == "^"
        self._place += is_negated
        ranges = []
        while self._peek() != "]":
            if not self._peek():
                self._fail("this bracket is not closed", begin)
            first_place = self._place
            first = last = self._character()
            if self._peek() == "-" and self._text[self._place + 1 : self._place + 2] not in ("", "]"):
                self._place += 1
                last = self._character()
                if last < first:
                    self._fail("the range runs backwards", first_place)
            ranges.append((ord(first), ord(last)))
        self._place += 1
        found = Characters.of(negated(ranges) if is_negated else ranges)
        if not found.ranges:
            self._fail("no character is between the brackets", begin)
        return found

    def _token(self) -> Token:
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            self._fail("expected a token such as <think> or <[1000]>")
        self._place = found.end()
        return Token(found[0])

    def _character(self) -> str:
        character = self._peek()
        begin = self._place
        self._place += 1
        if character != "\\":
            return character
        kind = self._peek()
        self._place += 1
        if kind in _ESCAPES:
            return _ESCAPES[kind]
        digits = self._text[self._place : self._place + _HEX_DIGITS.get(kind, 0)]
        self._place += len(digits)
        if kind not in _HEX_DIGITS or not re.fullmatch(f"[0-9a-fA-F]{{{_HEX_DIGITS[kind]}}}", digits):
            self._fail("unknown escape; there are " + r"\n \r \t \\ \" \[ \] \x00 \u0000 \U00000000", begin)
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            self._fail("there is no such character", begin)
        return chr(code)

    def _name(self, what: str) -> str:
        found = _NAME.match(self._text, self._place)
        if found is None:
            self._fail(f"expected {what}")
        self._place = found.end()
        return found[0]

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _skip(self, space: "re.Pattern[str]") -> None:
        found = space.match(self._text, self._place)
        assert found is not None
        self._place = found.end()

    def _fail(self, message: str, place: int | None = None) -> NoReturn:
        place = self._place if place is None else place
        line = self._text.count("\n", 0, place) + 1
        column = place - (self._text.rfind("\n", 0, place) + 1) + 1
        raise InvalidRequest(f"the GBNF grammar is invalid: line {line}, column {column}: {message}")
