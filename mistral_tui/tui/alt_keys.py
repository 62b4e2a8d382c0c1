"""Alt with another key as most terminals send it: escape and the key.

Textual takes such a pair for the beginning of a longer sequence. It waits 0.1 s for the rest, and if another escape
sequence comes meanwhile it types the pair: `^m`. In the table that its parser looks into first, the pair is whole.
"""

from string import ascii_letters, digits, punctuation
from typing import Any, Final, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import _character_to_key

_BEGINNINGS: Final = "[]OPNX^_\\"
"""What begins a longer sequence after escape: it is left to the parser."""


class _AltKey(NamedTuple):
    value: str


def know_alt_keys() -> None:
    """Let Textual know the keys with alt, whatever reads the terminal."""
    table = cast(dict[str, Any], ANSI_SEQUENCES_KEYS)
    for char in f"{ascii_letters}{digits}{punctuation} \r":
        if char not in _BEGINNINGS:
            table[f"\x1b{char}"] = (_AltKey(f"alt+{_name(char)}"),)


def _name(char: str) -> str:
    if char == "\r":
        return "enter"
    if char.isalnum():
        return f"shift+{char.lower()}" if char.isupper() else char
    return _character_to_key(char)
