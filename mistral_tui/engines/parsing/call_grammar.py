"""Grammars for tool calls in the notation of a family, as Lark for llguidance.

A reply that must call a tool keeps to one from its first word. In one that may, it begins where a call begins, so
that what was begun becomes a call that is well-formed.
"""

from collections.abc import Sequence
from typing import Final

from mistral_tui.engines.parsing.call_forms import Written
from mistral_tui.engines.parsing.lark import Lark
from mistral_tui.engines.parsing.tool_schemas import arguments_schema
from mistral_tui.types.requests import ToolSpec

AT_MARK: Final = "m"
"""What the grammar of a begun call begins with, where the mark that opens it has just been written."""
AT_BARE_ARGUMENTS: Final = "b"
"""The same where the arguments of an object without marks begin; the name and a line feed follow."""
AT_ARGUMENTS: Final = "a"
"""The same where the arguments begin and are the last of the call."""


def required_calls(
    lark: Lark, written: Written, tools: Sequence[ToolSpec], reasoning: tuple[str, str] | None, one: bool
) -> str:
    """Return a grammar for replies that are nothing but calls.

    Args:
        lark: Where to write it; knows the control tokens.
        written: How the model writes calls.
        tools: What it may call.
        reasoning: Marks around reasoning, which may come first.
        one: Whether it is exactly one call.
    """
    call = lark.rule(f"{lark.text(written.opens)} {_inside(lark, written, tools)}".strip())
    calls = call
    if not one and written.most > 1:
        further = lark.rule(f"space {call}")
        calls = f"{call} {further}{{0,{written.most - 1}}}"
    after = f" space {lark.text(written.after)}" if written.after else ""
    start = f"space {lark.text(written.before)} space {calls}{after}"
    if reasoning is not None:
        opens, closes = reasoning
        start = f"{lark.rule(f'{lark.text(opens)} {lark.up_to(closes)}')}? {start}"
    return lark.grammar(start)


def begun_call(lark: Lark, written: Written | None, tools: Sequence[ToolSpec]) -> str:
    """Return a grammar for what follows where a call has begun, up to its end.

    It begins with `AT_MARK`, `AT_BARE_ARGUMENTS` or `AT_ARGUMENTS`, which a reply does not contain: they say where
    the reply is.

    Args:
        lark: Where to write it; knows the control tokens.
        written: How the model writes calls; `None`: in a way that no grammar is written for.
        tools: What it may call.
    """
    starts = []
    if written is not None and written.opens:
        starts.append(f"{lark.text(AT_MARK)} {_inside(lark, written, tools)}")
    arguments = lark.either([f"{lark.text(tool.name + chr(10))} {lark.json(arguments_schema(tool))}" for tool in tools])
    starts.append(f'{lark.text(AT_BARE_ARGUMENTS)} {arguments} space "}}"')
    starts.append(f"{lark.text(AT_ARGUMENTS)} {arguments}")
    return lark.grammar(" | ".join(starts))


def _inside(lark: Lark, written: Written, tools: Sequence[ToolSpec]) -> str:
    end = f" space {lark.text(written.closes)}" if written.closes else ""
    return f"space {written.form.term(lark, tools)}{end}"
