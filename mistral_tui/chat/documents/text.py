"""The text that the bytes of a text file stand for, whatever program wrote them."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DAMAGE_LIMIT: Final = 0.1
"""Share of characters that may be unreadable in what still counts as text."""
_SAMPLE: Final = 4096
"""Bytes that are looked at to tell UTF-16 without a mark."""
_IN_A_WORD: Final = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]")
_NO_LATIN: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
"""Bytes that mean nothing in Windows-1252."""


def decoded(content: bytes) -> str | None:
    """Return the text of a file with line feeds as line ends, or `None` if it is no text.

    It is in UTF-8, or what its byte-order mark says, or in UTF-16 without a mark, or in Windows-1252 (and so
    Latin-1), if the bytes look like it. Bytes that are not valid become U+FFFD; a text has few of them.
    """
    text = content.decode(_encoding(content), "replace").replace("\r\n", "\n")
    if "\0" in text or text.count("\ufffd") > _DAMAGE_LIMIT * len(text):
        return None
    return text


def _encoding(content: bytes) -> str:
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if marked is not None:
        return marked
    sample = content[:_SAMPLE]
    if b"\0" in sample and len(content) % 2 == 0:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > 0.3 * len(sample) / 2 and min(even, odd) == 0:
            return "utf-16-be" if even else "utf-16-le"
    try:
        content.decode()
    except UnicodeDecodeError:
        return "cp1252" if _is_latin(content) else "utf-8"
    return "utf-8"


def _is_latin(content: bytes) -> bool:
    """Return whether the bytes that are no UTF-8 are letters with accents: they stand within words."""
    high = sum(byte > 0x7F for byte in content)
    return high < 0.3 * len(content) and not _NO_LATIN.search(content) and len(_IN_A_WORD.findall(content)) > high / 2
