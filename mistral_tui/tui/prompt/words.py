"""What is being typed at the cursor, if it is something that can be completed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from mistral_tui.tui.actions import ACTIONS, slash_action
from mistral_tui.tui.prompt.completion import Choice

_COMMAND: Final = re.compile(r"([/\\])([A-Za-z]*)")
_ARGUMENT: Final = re.compile(r"[/\\]([A-Za-z]+)[ \t]+(.*)")
_MENTION: Final = re.compile(r"""(?:^|(?<=\s))@(?:"([^"]*)|([^\s@"]*))$""")
PATH: Final = "PATH"
"""The argument of commands that take a file."""
NAMED: Final = ("models", "preset", "prompt")
"""The actions whose commands take the name of something that is there."""


@dataclass(frozen=True)
class Word:
    """A word that can be completed."""

    kind: Literal["command", "mention", "path", "name"]
    query: str
    """What is there of it, without what marks it."""
    column: int
    """Where it begins in its line, its mark included."""
    marker: str = ""
    """`/` or `\\` of a command."""
    command: str = ""
    """The action whose argument it is."""


def word_at(before: str, row: int) -> Word | None:
    """Return the word before the cursor.

    Args:
        before: The line up to the cursor.
        row: Its number; commands stand in the first one.
    """
    if row == 0 and (match := _COMMAND.fullmatch(before)):
        return Word("command", match[2].lower(), 0, match[1])
    if row == 0 and (match := _ARGUMENT.fullmatch(before)):
        action = slash_action(match[1].lower())
        if action is not None and action.argument is not None and action.argument.hint == PATH:
            return Word("path", match[2], match.start(2))
        if action is not None and action.id in NAMED:
            return Word("name", match[2], match.start(2), command=action.id)
    if match := _MENTION.search(before):
        return Word("mention", match[1] or match[2] or "", match.start())
    return None


def commands_like(word: Word) -> list[Choice]:
    """Return the commands that begin so, those first of which it is the whole name."""
    found = list(_commands(word))
    return sorted(found, key=lambda choice: choice.text.split()[0] != word.marker + word.query)


def _commands(word: Word) -> Iterator[Choice]:
    for action in ACTIONS:
        for name in action.slash:
            if name.startswith(word.query):
                hint = f" {action.argument.hint}" if action.argument else ""
                yield Choice(f"{word.marker}{name}{hint}", action.title, action.argument is not None)
