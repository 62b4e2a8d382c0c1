"""GBNF, llama.cpp's notation for grammars, translated to the Lark of llguidance.

llama.cpp's own reader of it ends the process when a grammar is wrong. The notation is described in llama.cpp's
`grammars/README.md`; what is read here is all of it but negated tokens (`!<think>`).

GBNF is about characters; llguidance cuts a text into lexemes first, each as long as possible, and parses those. So
everything that is not recursive becomes one lexeme, however many rules it was written in: within it the two mean the
same. At the borders of recursive rules the lexeme before takes as much text as it can: a grammar that wants it to stop
earlier allows less than it would in llama.cpp, and never more.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from mistral_tui.types.errors import InvalidRequest

_DEEPEST: Final = 20
"""Parentheses within parentheses; llguidance takes 30."""
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
    return _Writer(_Reader(text).rules()).lark()


@dataclass
class _Text:
    text: str


@dataclass
class _Class:
    regex: str


@dataclass
class _Token:
    name: str


@dataclass
class _Reference:
    name: str
    place: int


@dataclass
class _Repeated:
    node: "_Node"
    least: int
    most: int | None


@dataclass
class _Sequence:
    nodes: list["_Node"]


@dataclass
class _Choice:
    nodes: list["_Node"]


_Node = _Text | _Class | _Token | _Reference | _Repeated | _Sequence | _Choice


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def rules(self) -> dict[str, _Node]:
        rules: dict[str, _Node] = {}
        references: list[_Reference] = []
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

    def _choice(self, depth: int, references: list[_Reference]) -> _Node:
        choices = [self._sequence(depth, references)]
        while True:
            end = self._place
            # The next alternative may begin on a line of its own.
            self._skip(_SPACE_AND_LINES)
            if self._peek() != "|":
                self._place = end if depth == 0 else self._place
                return choices[0] if len(choices) == 1 else _Choice(choices)
            self._place += 1
            self._skip(_SPACE_AND_LINES)
            choices.append(self._sequence(depth, references))

    def _sequence(self, depth: int, references: list[_Reference]) -> _Node:
        space = _SPACE_AND_LINES if depth else _SPACE
        nodes: list[_Node] = []
        while True:
            self._skip(space)
            begin = self._place
            match self._peek():
                case '"':
                    node: _Node = self._literal()
                case "[":
                    node = self._class()
                case "<":
                    node = self._token()
                case "(":
                    node = self._group(depth + 1, references)
                case ".":
                    self._place += 1
                    node = _Class("(?s:.)")
                case "!":
                    self._fail("negated tokens are not supported")
                case character if _NAME.match(character):
                    node = _Reference(self._name("a name"), begin)
                    references.append(node)
                case _:
                    return nodes[0] if len(nodes) == 1 else _Sequence(nodes)
            nodes.append(self._repetitions(node, space))

    def _group(self, depth: int, references: list[_Reference]) -> _Node:
        begin = self._place
        if depth > _DEEPEST:
            self._fail(f"parentheses are nested too deeply; at most {_DEEPEST} levels are taken")
        self._place += 1
        node = self._choice(depth, references)
        if self._peek() != ")":
            self._fail("this parenthesis is not closed", begin)
        self._place += 1
        return node

    def _repetitions(self, node: _Node, space: "re.Pattern[str]") -> _Node:
        while True:
            end = self._place
            self._skip(space)
            match self._peek():
                case "*":
                    least, most = 0, None
                case "+":
                    least, most = 1, None
                case "?":
                    least, most = 0, 1
                case "{":
                    node = self._counted(node)
                    continue
                case _:
                    self._place = end
                    return node
            self._place += 1
            node = _Repeated(node, least, most)

    def _counted(self, node: _Node) -> _Node:
        found = re.compile(r"\{\s*([0-9]{1,9})?\s*(,)?\s*([0-9]{1,9})?\s*\}").match(self._text, self._place)
        if found is None or not (found[1] or found[3]) or (found[3] and not found[2]):
            self._fail("expected a count such as {3}, {1,3} or {1,}")
        least = int(found[1] or 0)
        most = int(found[3]) if found[3] else None if found[2] else least
        if most is not None and most < least:
            self._fail("the smaller count comes first")
        self._place = found.end()
        return _Repeated(node, least, most)

    def _literal(self) -> _Text:
        begin = self._place
        self._place += 1
        text = []
        while (character := self._peek()) != '"':
            if not character or character in "\r\n":
                self._fail("this string is not closed", begin)
            text.append(self._character())
        self._place += 1
        return _Text("".join(text))

    def _class(self) -> _Class:
        begin = self._place
        self._place += 1
        negated = self._peek() == "^"
        self._place += negated
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
            ranges.append(f"\\u{{{ord(first):x}}}" + (f"-\\u{{{ord(last):x}}}" if last > first else ""))
        self._place += 1
        if not ranges and not negated:
            self._fail("there is nothing between the brackets", begin)
        return _Class(f"[{'^' * negated}{''.join(ranges)}]" if ranges else "(?s:.)")

    def _token(self) -> _Token:
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            self._fail("expected a token such as <think> or <[1000]>")
        self._place = found.end()
        return _Token(found[0])

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


class _Writer:
    """Writes the rules that `root` needs: those without recursion as terminals, each a lexeme of its own."""

    def __init__(self, rules: dict[str, _Node]) -> None:
        self._rules = rules
        needed = _reachable(rules, "root")
        lexemes = _without_recursion({name: rules[name] for name in needed})
        self._names = {
            name: f"T{index}" if name in lexemes else f"r{index}" for index, name in enumerate(rules) if name in needed
        }
        self._joined: dict[str, str] = {}
        """Names of the terminals that runs within recursive rules are joined to, by what they say."""

    def lark(self) -> str:
        lines = [f"{name}: {self._written(self._rules[rule])}" for rule, name in self._names.items()]
        lines += [f"{name}: {said}" for said, name in self._joined.items()]
        return "\n".join([f"start: {self._names['root']}", *lines])

    def _written(self, node: _Node) -> str:
        match node:
            case _Text(text):
                return _quoted(text)
            case _Class(regex):
                return f"/{regex}/"
            case _Token(name):
                return name
            case _Reference(name):
                return self._names[name]
            case _Repeated(repeated, least, most):
                return self._written_alone(repeated) + _counts(least, most)
            case _Sequence(nodes):
                return self._written_sequence(nodes) or '""'
            case _Choice(nodes):
                return " | ".join(map(self._written, nodes))

    def _written_alone(self, node: _Node) -> str:
        written = self._written(node)
        simple = isinstance(node, _Text | _Class | _Token | _Reference)
        return written if simple else f"({written})"

    def _written_sequence(self, nodes: list[_Node]) -> str:
        if all(map(self._is_lexeme, nodes)):
            return " ".join(self._in_sequence(node) for node in nodes)
        parts: list[str] = []
        run: list[str] = []
        for node in nodes:
            if self._is_lexeme(node):
                run.append(self._in_sequence(node))
                continue
            parts += self._join(run)
            run = []
            parts.append(self._in_sequence(node))
        return " ".join([*parts, *self._join(run)])

    def _join(self, run: list[str]) -> list[str]:
        if len(run) < 2:
            return run
        return [self._joined.setdefault(" ".join(run), f"J{len(self._joined)}")]

    def _in_sequence(self, node: _Node) -> str:
        return self._written_alone(node) if isinstance(node, _Choice) else self._written(node)

    def _is_lexeme(self, node: _Node) -> bool:
        if isinstance(node, _Token):
            return False
        return all(self._names[reference.name].startswith("T") for reference in _references(node)) and not any(
            isinstance(part, _Token) for part in _parts(node)
        )


def _reachable(rules: dict[str, _Node], root: str) -> set[str]:
    found = {root}
    waiting = [root]
    while waiting:
        for reference in _references(rules[waiting.pop()]):
            if reference.name not in found:
                found.add(reference.name)
                waiting.append(reference.name)
    return found


def _without_recursion(rules: dict[str, _Node]) -> set[str]:
    """Return the rules that lead to no recursive one and to no token: a rule is one when all that it names are."""
    needs = {name: {reference.name for reference in _references(node)} for name, node in rules.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in rules}
    for name, others in needs.items():
        for other in others:
            needed_by[other].append(name)
    tokens = {name for name, node in rules.items() if any(isinstance(part, _Token) for part in _parts(node))}
    ready = [name for name, others in needs.items() if not others and name not in tokens]
    found = set(ready)
    while ready:
        name = ready.pop()
        for other in needed_by[name]:
            needs[other].discard(name)
            if not needs[other] and other not in found and other not in tokens:
                found.add(other)
                ready.append(other)
    return found


def _parts(node: _Node) -> Iterator[_Node]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, _Repeated):
            waiting.append(part.node)
        elif isinstance(part, _Sequence | _Choice):
            waiting += part.nodes


def _references(node: _Node) -> Iterator[_Reference]:
    return (part for part in _parts(node) if isinstance(part, _Reference))


def _counts(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    return short or f"{{{least},{'' if most is None else most}}}"


def _quoted(text: str) -> str:
    # JSON's escapes, but no surrogate pairs: what is beyond ASCII stands for itself.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
