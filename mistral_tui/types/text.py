"""Text that others wrote, made harmless for a terminal."""

import re
from typing import Final

_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"  # CSI: colours, cursor movement, modes
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*+(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"  # other escapes
)
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u202a-\u202e\u2066-\u2069"  # embeddings and overrides of the writing direction
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e007f]"  # line separators, annotations, invisible tags
)
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """Return `text` without anything that steers a terminal.

    Escape sequences, control characters other than tab and line feed, and characters that turn the writing
    direction are removed; a line ending of any kind becomes a line feed; half a surrogate pair, which cannot be
    encoded, becomes U+FFFD. Ordinary text comes back as it is. A sequence without an end loses its introducer only,
    so that what follows, also in a later piece, is mere text.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SEQUENCES.sub("", text)
    text = _CONTROLS.sub("", text)
    return _SURROGATES.sub("\ufffd", text)


def encodable(text: str) -> str:
    """Return `text` as it can be stored: a byte of a name or an argument that is no UTF-8 becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def printable_line(text: str) -> str:
    """Return `text` as `printable` does, on one line: for names, titles and error messages."""
    return " ".join(printable(text).split())
