"""Writes grammars in the Lark of llguidance."""

import json
import re
from collections.abc import Callable, Sequence

from mistral_tui.types.messages import Json


class Lark:
    """Rules of a grammar for text in which some marks may be control tokens.

    Args:
        control: Returns the control token of this name; `None` if the name is ordinary text.
        marks: What may be one; longer ones count first.
    """

    def __init__(self, control: Callable[[str], int | None], marks: Sequence[str]) -> None:
        tokens = {mark: token for mark in marks if (token := control(mark)) is not None}
        self._tokens = tokens
        self._controls = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or "(?!)")
        self._rules: list[str] = ['space: "\\n"? "\\n"?']

    def rule(self, body: str, attributes: str = "") -> str:
        """Add a rule and return its name."""
        name = f"r{len(self._rules)}"
        self._rules.append(f"{name}{attributes}: {body}")
        return name

    def grammar(self, start: str) -> str:
        """Return the whole, which begins with the rule, or the rules, `start`."""
        return "\n".join([f"start: {start}", *self._rules])

    def text(self, text: str) -> str:
        """Return terms for a fixed text."""
        terms, place = [], 0
        for found in self._controls.finditer(text):
            terms += [_literal(text[place : found.start()]), f"<[{self._tokens[found[0]]}]>"]
            place = found.end()
        return " ".join(filter(None, [*terms, _literal(text[place:])]))

    def up_to(self, end: str) -> str:
        """Return terms for any text and the fixed text that ends it."""
        control = self._controls.match(end)
        if control:
            return f"{self.rule('/(?s:.*)/')} {self.text(end)}"
        ordinary = self._controls.split(end)[0]
        pattern = re.escape(ordinary).replace("/", r"\/").replace("\n", r"\n").replace("\\ ", " ")
        return f"{self.rule(f'/(?s:.*){pattern}/', '[lazy]')} {self.text(end[len(ordinary) :])}".rstrip()

    def json(self, schema: Json) -> str:
        """Return a term for JSON of a schema."""
        return self.rule(f"%json {json.dumps(schema, ensure_ascii=False)}")

    def pattern(self, pattern: str) -> str:
        """Return a term for text that a regular expression matches."""
        return self.rule(f"/{pattern}/")

    def either(self, alternatives: Sequence[str]) -> str:
        """Return a term for one of several."""
        return self.rule(" | ".join(alternatives))


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""
