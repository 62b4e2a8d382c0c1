"""Calls that are a name, a mark, and the arguments as JSON: DeepSeek, Mistral, Kimi, Solar, Functionary."""

from typing import Final

from mistral_tui.engines.parsing import json_calls
from mistral_tui.engines.parsing.reader import Reader, Wait, is_name

_FENCE: Final = "```"


def mistral(reader: Reader) -> Wait[bool]:
    """Read `NAME[ARGS]{…}` or `NAME[CALL_ID]ID[ARGS]{…}`, or an array of objects, after `[TOOL_CALLS]`."""
    yield from reader.skip_space()
    if (yield from reader.peek()) in ("[", "{"):
        return (yield from json_calls.calls(reader))
    name, mark = yield from reader.until("[ARGS]", "[CALL_ID]", "{")
    call_id = ""
    if mark == "[CALL_ID]":
        call_id, mark = yield from reader.until("[ARGS]")
    elif mark == "{":
        reader.skip(-1)
    return (yield from _call(reader, name, mark, call_id))


def deepseek(reader: Reader) -> Wait[bool]:
    """Read `NAME<｜tool▁sep｜>{…}`, or `function<｜tool▁sep｜>NAME` and fenced arguments, up to the call's end."""
    end = "<｜tool▁call▁end｜>"
    name, mark = yield from reader.until("<｜tool▁sep｜>")
    if name.strip() == "function":
        name, mark = yield from reader.until("\n", _FENCE, "{")
        reader.skip(-len(mark))
    return (yield from _call(reader, name, mark, "", end))


def kimi(reader: Reader) -> Wait[bool]:
    """Read `functions.NAME:0<|tool_call_argument_begin|>{…}<|tool_call_end|>`; the first part is the id, too."""
    written, mark = yield from reader.until("<|tool_call_argument_begin|>")
    call_id = written.strip()
    name = call_id.removeprefix("functions.").rpartition(":")[0] or call_id
    return (yield from _call(reader, name, mark, call_id, "<|tool_call_end|>"))


def solar(reader: Reader) -> Wait[bool]:
    """Read `ID<|tool_call:name|>NAME<|tool_call:args|>{…}<|tool_call:end|>`."""
    call_id, mark = yield from reader.until("<|tool_call:name|>")
    name, mark = yield from reader.until("<|tool_call:args|>") if mark else _nothing()
    return (yield from _call(reader, name, mark, call_id.strip(), "<|tool_call:end|>"))


def functionary(reader: Reader) -> Wait[bool]:
    """Read `NAME>{…}</function>` after `<function=`."""
    name, mark = yield from reader.until(">")
    return (yield from _call(reader, name, mark, "", "</function>"))


def _call(reader: Reader, name: str, mark: str, call_id: str, *ends: str) -> Wait[bool]:
    name = name.strip()
    if not mark or not is_name(name):
        return False
    yield from reader.skip_space()
    if (yield from reader.next_is(_FENCE)):
        yield from reader.until("\n")
        yield from reader.skip_space()
    reader.begin_call(name, call_id)
    yield from json_calls.arguments(reader, *ends)
    yield from reader.skip_space()
    if (yield from reader.next_is(_FENCE)):
        yield from reader.skip_space()
    yield from reader.next_is(*ends)
    reader.drop()
    return True


def _nothing() -> Wait[tuple[str, str]]:
    yield from ()
    return "", ""
