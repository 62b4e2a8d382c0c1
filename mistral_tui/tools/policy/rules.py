"""Rules about calls: which they are about, and which of several counts.

A rule that denies always counts. Of the others the more specific one does: first what was said in the chat, then more
arguments, then more of the tool's name. Of two that are alike, `ask` counts before `allow`. Where no rule matches, the
person is asked.
"""

import posixpath
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from mistral_tui.types.messages import Json
from mistral_tui.types.tools import Tool, Verdict

_WILD: Final = re.compile(r"[*?\[\]]")


class Rule(msgspec.Struct, frozen=True):
    """What is to be done about some calls."""

    verdict: Verdict
    tool: str = "*"
    """A glob over `server/tool`; `*` stands for any characters, `/` too."""
    arguments: dict[str, str] = {}
    """Globs over the values of arguments, by globs over their names; all must match."""
    definition: str = ""
    """Digest of the tool that is meant; empty: whatever it is."""
    in_chat: bool = False
    """Whether it was said in the chat that the call is part of."""

    def matches(self, tool: Tool, arguments: Json) -> bool:
        """Whether it is about this call."""
        if self.definition and self.definition != tool.digest:
            return False
        return fnmatchcase(tool.key, self.tool) and all(
            self._holds(name, pattern, arguments) for name, pattern in self.arguments.items()
        )

    @property
    def specificity(self) -> tuple[bool, int, int]:
        """The larger it is, the more the rule counts."""
        return self.in_chat, len(self.arguments), len(_WILD.sub("", self.tool))

    def __str__(self) -> str:
        about = "".join(f", {name} = {pattern}" for name, pattern in self.arguments.items())
        return f"{self.verdict} {self.tool}{about}"

    def _holds(self, name: str, pattern: str, arguments: Json) -> bool:
        """Whether the arguments of this name match: for a rule that allows all of them, else one of them."""
        values = [text for key, value in arguments.items() if fnmatchcase(key, name) for text in _texts(value)]
        if self.verdict == "allow":
            return bool(values) and all(_fits_as_path(text, pattern) for text in values)
        return any(fnmatchcase(text, pattern) or fnmatchcase(posixpath.normpath(text), pattern) for text in values)


def rule_for(rules: Iterable[Rule], tool: Tool, arguments: Json) -> Rule | None:
    """Return the rule that counts for a call, if there is one."""
    matching = [rule for rule in rules if rule.matches(tool, arguments)]
    return max(
        matching, key=lambda rule: (rule.verdict == "deny", *rule.specificity, rule.verdict == "ask"), default=None
    )


def rule_about(tool: Tool, allowed: bool) -> Rule:
    """Return what a person says of one tool in a chat: it is allowed as it is now, or denied whatever it becomes."""
    return Rule("allow" if allowed else "deny", literal(tool.key), {}, tool.digest if allowed else "", in_chat=True)


def literal(key: str) -> str:
    """Return a glob that matches this name only."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in key)


def _texts(value: object) -> list[str]:
    """Return an argument as texts: a list is each of its values."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value if isinstance(value, str) else msgspec.json.encode(value).decode()]


def _fits_as_path(text: str, pattern: str) -> bool:
    """Whether a value matches, also as the path that it may be: `/notes/../etc` is not below `/notes`."""
    return fnmatchcase(text, pattern) and (
        ".." not in text or fnmatchcase(posixpath.normpath(text.replace("\\", "/")), pattern)
    )
