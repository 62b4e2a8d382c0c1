"""Keys as terminals send them that Textual does not know, or takes for others.

Alt with another key mostly comes as escape and the key. Textual takes such a pair for the beginning of a longer
sequence: it waits 0.1 s for the rest, and if another escape sequence comes meanwhile it types the pair: `^m`. In the
table that its parser looks into first, the pair is whole.
"""

from string import ascii_letters, digits, punctuation
from typing import Any, Final, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import _character_to_key

_BEGINNINGS: Final = "[]OPNX^_\\"
"""What begins a longer sequence after escape: it is left to the parser."""

_OTHERS: Final = {
    "\x1b\x7f": "alt+backspace",
    "\x1b\x08": "alt+backspace",  # where backspace is ctrl+h: PuTTY, by its settings
    "\x1b[7^": "ctrl+home",  # rxvt
    "\x1b[8^": "ctrl+end",
}


class _Key(NamedTuple):
    value: str


def know_terminal_keys() -> None:
    """Let Textual know these keys, whatever reads the terminal."""
    table = cast(dict[str, Any], ANSI_SEQUENCES_KEYS)
    for char in f"{ascii_letters}{digits}{punctuation} \r":
        if char not in _BEGINNINGS:
            table[f"\x1b{char}"] = (_Key(f"alt+{_name(char)}"),)
    table.update({sequence: (_Key(name),) for sequence, name in _OTHERS.items()})


def _name(char: str) -> str:
    if char == "\r":
        return "enter"
    if char.isalnum():
        return f"shift+{char.lower()}" if char.isupper() else char
    return _character_to_key(char)
