"""Calls whose name and parameters stand in tags: Qwen-Coder, Seed, MiniMax, DeepSeek V3.2, GLM, MiniCPM."""

import json
import re
from dataclasses import dataclass
from typing import Final

from mistral_tui.engines.parsing.marks import Marks
from mistral_tui.engines.parsing.parameters import Parameters
from mistral_tui.engines.parsing.reader import Reader, Wait, is_name

_ATTRIBUTE: Final = re.compile(r"""(?:name=)?["']([^"'<>]+)["'][^<>]*""")


@dataclass(frozen=True)
class Tags:
    """How one family writes a call, after the mark that opens it: a name, then parameters, then `end`."""

    name_end: str
    """What follows the name; empty: a parameter or the end."""
    parameter: str
    """What a parameter begins with."""
    key_end: str
    value_begin: str
    """Stands before a value, besides white space; may be empty."""
    value_end: str
    end: str
    line_feeds: bool = True
    """Whether a value may stand on lines of its own."""


QWEN = Tags(">", "<parameter=", ">", "", "</parameter>", "</function>")
INVOKE = Tags(">", "<parameter ", ">", "", "</parameter>", "</invoke>")
DSML = Tags(">", "<｜DSML｜parameter ", ">", "", "</｜DSML｜parameter>", "</｜DSML｜invoke>")
MINICPM = Tags(">", "<param ", ">", "", "</param>", "</function>")
GLM = Tags("", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "</tool_call>")


def call(reader: Reader, tags: Tags, parameters: Parameters) -> Wait[bool]:
    """Read one call, after the mark that opens it; returns whether it was one."""
    written, mark = yield from reader.until(*([tags.name_end] if tags.name_end else [tags.parameter, tags.end]))
    name = _attribute(written)
    if not mark or not is_name(name):
        return False
    if not tags.name_end:
        reader.skip(-len(mark))
    reader.begin_call(name)
    separator = "{"
    while True:
        yield from reader.skip_space()
        if not (yield from reader.next_is(tags.parameter)):
            break
        written, mark = yield from reader.until(tags.key_end)
        if not mark:
            return True
        if tags.value_begin:
            yield from reader.skip_space()
            yield from reader.next_is(tags.value_begin)
        key = _attribute(written)
        is_text = 'string="true"' in written or ('string="' not in written and parameters.is_text(name, key))
        reader.put_argument(f"{separator}{json.dumps(key, ensure_ascii=False)}: ")
        separator = ", "
        complete = yield from (_text(reader, tags) if is_text else _value(reader, tags, parameters, name, key))
        if not complete:
            return True
    closed = yield from reader.next_is(tags.end)
    if not closed and any(tag.startswith(reader.arrived()) for tag in (tags.parameter, tags.end)):
        return True  # cut off
    reader.put_argument("{}" if separator == "{" else "}")
    return True


def _attribute(written: str) -> str:
    """Return the name in `NAME`, `"NAME"` or `name="NAME" …`."""
    quoted = _ATTRIBUTE.fullmatch(written.strip())
    return quoted[1] if quoted else written.strip()


def _text(reader: Reader, tags: Tags) -> Wait[bool]:
    """Pass on a string as it comes; returns whether it is complete."""
    if tags.line_feeds:
        yield from reader.next_is("\n")
    reader.put_argument('"')
    end = yield from reader.seek(Marks([tags.value_end]), reader.escaped_argument, before="line feed")
    if end:
        reader.put_argument('"')
    return bool(end)


def _value(reader: Reader, tags: Tags, parameters: Parameters, tool: str, key: str) -> Wait[bool]:
    """Pass on a value of another kind, once it is complete; returns whether it is."""
    written, mark = yield from reader.until(tags.value_end, limit=2**30)
    if not mark:
        reader.skip(len(reader.arrived()))
        reader.put_argument()
        return False
    if tags.line_feeds:
        written = written.removeprefix("\n").removesuffix("\n")
    reader.put_argument(parameters.json(tool, key, written))
    return True
