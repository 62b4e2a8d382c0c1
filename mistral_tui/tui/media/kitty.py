"""Pictures in the graphics protocol of Kitty (sw.kovidgoyal.net/kitty/graphics-protocol), with Unicode placeholders.

The terminal is sent the pixels once, and a picture is then text: cells with a placeholder, whose colour says which
picture, and whose combining characters say which part of it. Such text scrolls, is covered and goes as other text does.
"""

from base64 import b64encode
from itertools import count
from random import randrange
from typing import Final
from zlib import compress

from textual.color import Color
from textual.content import Content
from textual.style import Style

from mistral_tui.chat.previews.preview import Pixels
from mistral_tui.tui.media.boxes import Box

_PLACEHOLDER: Final = "\U0010eeee"
_CHUNK: Final = 4096
"""Characters of a message, as the protocol says."""
_MARKS: Final = (
    "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351\u0352\u0357"
    "\u035b\u0363\u0364\u0365\u0366\u0367\u0368\u0369\u036a\u036b\u036c\u036d\u036e\u036f\u0483\u0484"
    "\u0485\u0486\u0487\u0592\u0593\u0594\u0595\u0597\u0598\u0599\u059c\u059d\u059e\u059f\u05a0\u05a1"
    "\u05a8\u05a9\u05ab\u05ac\u05af\u05c4\u0610\u0611\u0612\u0613\u0614\u0615\u0616\u0617\u0657\u0658"
    "\u0659\u065a\u065b\u065d\u065e\u06d6\u06d7\u06d8\u06d9\u06da\u06db\u06dc\u06df\u06e0\u06e1\u06e2"
)
"""The numbers from 0 on, as combining characters: the beginning of the protocol's `rowcolumn-diacritics.txt`."""
LARGEST: Final = len(_MARKS)
"""Columns, and rows, of a picture."""

_numbers = count(randrange(1, 1 << 24))
"""Where others begin nobody knows: a picture of another program must not be overwritten."""


def new_number() -> int:
    """Return the number of a picture that is sent next; it is a colour, and not black."""
    return next(_numbers) % 0xFFFFFF + 1


def sent(number: int, pixels: Pixels, box: Box) -> str:
    """Return what makes the terminal know a picture; it answers nothing."""
    content = b64encode(compress(pixels.rgb)).decode()
    pieces = [content[at : at + _CHUNK] for at in range(0, len(content), _CHUNK)]
    messages = []
    for index, piece in enumerate(pieces):
        about = f"f=24,s={pixels.width},v={pixels.height},o=z," if index == 0 else ""
        messages.append(f"\x1b_G{about}i={number},q=2,m={int(index + 1 < len(pieces))};{piece}\x1b\\")
    placed = f"\x1b_Ga=p,U=1,i={number},c={box.columns},r={box.rows},q=2\x1b\\"
    return "".join([*messages, placed])


def forgotten(number: int) -> str:
    """Return what makes the terminal forget a picture, wherever it is shown."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def lines(number: int, box: Box) -> tuple[Content, ...]:
    """Return the text that the terminal draws a picture for."""
    style = Style(foreground=Color(number >> 16, number >> 8 & 255, number & 255))
    return tuple(
        Content.styled("".join(_PLACEHOLDER + row + column for column in _MARKS[: box.columns]), style)
        for row in _MARKS[: box.rows]
    )
