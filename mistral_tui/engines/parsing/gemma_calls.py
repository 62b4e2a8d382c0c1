"""The calls of Gemma 4: `call:NAME{key:<|"|>text<|"|>,number:3}`, JSON with other quotes and bare keys."""

import re
from typing import Final

from mistral_tui.engines.parsing.marks import Marks
from mistral_tui.engines.parsing.reader import Reader, Wait, is_name

QUOTE: Final = '<|"|>'
END: Final = "<tool_call|>"
_QUOTES: Final = Marks([QUOTE])
_KEY: Final = re.compile(r"[\w.$-]+(?=\s*:)")


def call(reader: Reader) -> Wait[bool]:
    """Read a call after `<|tool_call>`; returns whether it was one."""
    yield from reader.next_is("call:")
    written, mark = yield from reader.until("{")
    name = written.strip()
    if not mark or not is_name(name):
        return False
    reader.skip(-1)
    reader.begin_call(name)
    while True:
        # Between strings there is little: it is passed on when its end has come.
        structure, mark = yield from reader.until(QUOTE, END, limit=2**30)
        if not mark:
            reader.skip(len(reader.arrived()))
            reader.put_argument()
            return True
        reader.put_argument(_KEY.sub(lambda key: f'"{key[0]}"', structure) + ('"' if mark == QUOTE else ""))
        if mark == END:
            return True
        if (yield from reader.seek(_QUOTES, reader.escaped_argument, before="nothing")):
            reader.put_argument('"')
