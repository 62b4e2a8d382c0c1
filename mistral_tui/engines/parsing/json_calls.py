"""Calls that are JSON objects with a name and arguments: Hermes and Qwen, Llama, Granite, Phi, Mistral, and others."""

import json
from collections.abc import Container
from typing import Final

from mistral_tui.engines.parsing import json_values
from mistral_tui.engines.parsing.call_grammar import AT_BARE_ARGUMENTS
from mistral_tui.engines.parsing.marks import Marks
from mistral_tui.engines.parsing.reader import Reader, Wait, is_name

_NAMES: Final = ("name", "tool_name", "function")
_ARGUMENTS: Final = ("arguments", "parameters")
_IDS: Final = ("id", "tool_call_id", "call_id")
_OTHERS: Final = (*_IDS, "type")


def calls(reader: Reader, *closes: str, only: Container[str] | None = None, keyed: bool = False) -> Wait[bool]:
    """Read calls: one, several in an array, or one after the other.

    Args:
        reader: After the mark that opens them; the mark is pending.
        closes: Marks that close them.
        only: Tools that count. Then an object that is anything but a call of one of them is none; otherwise any
            name and further keys are accepted.
        keyed: Whether an object has the name as its only key, and the arguments as the value.

    Returns:
        Whether there was a call; otherwise everything is still pending.
    """
    found = False
    while True:
        yield from reader.skip_space()
        character = yield from reader.peek()
        if character == "{":
            if not (yield from (_keyed_call(reader, closes) if keyed else _call(reader, closes, only))):
                return found
            found = True
        elif closes and (yield from reader.next_is(*closes)):
            break
        elif character and character in ("[,;]}" if found else "["):
            reader.skip(1)
            if character == "]" and not closes:
                break
        else:
            break
        if found:
            reader.drop()
    if found:
        reader.drop()
    return found


def _call(reader: Reader, closes: tuple[str, ...], only: Container[str] | None) -> Wait[bool]:
    name, call_id, early = "", "", ""
    begun, nested = False, 0
    if not (yield from reader.next_is("{")):
        return False
    while True:
        yield from reader.skip_space()
        key = yield from json_values.text(reader)
        if key is None or not (yield from _colon(reader)):
            return begun
        following = yield from reader.peek()
        if key == "function" and following == "{":
            reader.skip(1)
            nested += 1
            continue
        if key in _NAMES and not name:
            name = (yield from json_values.text(reader)) or ""
            if not is_name(name) or (only is not None and name not in only):
                return False
        elif key in _ARGUMENTS and not begun:
            if name:
                if only is not None:
                    reader.begins(f"{AT_BARE_ARGUMENTS}{name}\n")
                reader.begin_call(name, call_id)
                begun = True
                yield from arguments(reader, *closes)
            else:
                early = yield from _written(reader)
        elif key in _OTHERS or only is None:
            written = yield from _written(reader)
            if key in _IDS and written[:1] == '"':
                call_id = json_values.decoded(written)
        else:
            return begun
        while True:
            yield from reader.skip_space()
            following = yield from reader.next_is(",", "}")
            if following != "}" or not nested:
                break
            nested -= 1
        if following == "":
            return begun
        if following == "}":
            break
    if not begun:
        if not name or (only is not None and not early):
            return False
        reader.begin_call(name, call_id)
        reader.put_argument(_object(early) or "{}")
    return True


def _keyed_call(reader: Reader, closes: tuple[str, ...]) -> Wait[bool]:
    reader.skip(1)
    yield from reader.skip_space()
    name = yield from json_values.text(reader)
    if name is None or not is_name(name) or not (yield from _colon(reader)):
        return False
    reader.begin_call(name)
    yield from arguments(reader, *closes)
    yield from reader.skip_space()
    yield from reader.next_is("}")
    return True


def arguments(reader: Reader, *closes: str) -> Wait[None]:
    """Pass on the arguments of a call that was begun.

    What is no JSON is passed on as it is, up to one of the marks `closes`, which comes next then. A string that holds
    an object, as some models write the arguments, is passed on as that object.
    """
    reader.drop()
    following = yield from reader.peek()
    if following == '"':
        complete = yield from json_values.value(reader)
        reader.put_argument(_object(reader.pending) if complete else None)
    else:
        complete = yield from json_values.value(reader, reader.put_argument)
    if not complete and closes:
        mark = yield from reader.seek(Marks(closes), reader.argument)
        reader.skip(-len(mark))


def _object(written: str) -> str:
    """Return the object that a string holds, or `written` if it is no string with an object."""
    if written[:1] != '"':
        return written
    said = json_values.decoded(written)
    try:
        return said if isinstance(json.loads(said), dict) else written
    except (ValueError, RecursionError):  # the second where it is nested too deeply
        return written


def _written(reader: Reader) -> Wait[str]:
    before = len(reader.pending)
    yield from json_values.value(reader)
    return reader.pending[before:]


def _colon(reader: Reader) -> Wait[bool]:
    yield from reader.skip_space()
    if not (yield from reader.next_is(":")):
        return False
    yield from reader.skip_space()
    return True
