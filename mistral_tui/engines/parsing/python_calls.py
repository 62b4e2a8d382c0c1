"""Calls that are written as Python: LFM2, and the tool_code of Gemma."""

import ast
import json
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from mistral_tui.engines.parsing.reader import Reader, Wait
from mistral_tui.types.requests import ToolSpec


class PythonCall(NamedTuple):
    """One call, and its arguments as JSON."""

    name: str
    arguments: str


def calls(
    reader: Reader,
    close: str,
    tools: Sequence[ToolSpec],
    only: Container[str] | None = None,
    *,
    close_is_python: bool = False,
) -> Wait[bool]:
    """Read the Python up to `close`; returns whether it is nothing but calls, otherwise all is still pending.

    Args:
        reader: After the mark that opens them.
        close: The mark that closes them.
        tools: What can be called; arguments without a name get theirs from here.
        only: Names that count; `None`: all.
        close_is_python: Whether `close` is part of the Python.
    """
    written, mark = yield from reader.until(close, limit=2**30)
    found = read(written + mark if close_is_python else written, tools) if mark else []
    if not found or (only is not None and any(call.name not in only for call in found)):
        return False
    for call in found:
        reader.begin_call(call.name)
        reader.put_argument(call.arguments)
    return True


def read(written: str, tools: Sequence[ToolSpec]) -> list[PythonCall]:
    """Return the calls that some Python consists of; none if it is anything else."""
    try:
        tree = ast.parse(written.strip(), mode="exec")
        return [_call(node, tools) for statement in tree.body for node in _expressions(statement)]
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return []


def _expressions(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign | ast.Expr):
        value = statement.value
        return value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    raise ValueError


def _call(node: ast.expr, tools: Sequence[ToolSpec]) -> PythonCall:
    if not isinstance(node, ast.Call):
        raise ValueError
    if isinstance(node.func, ast.Name) and node.func.id == "print" and len(node.args) == 1 and not node.keywords:
        return _call(node.args[0], tools)
    name = ast.unparse(node.func)
    arguments: dict[str, Any] = {}
    for parameter, value in zip(_parameters(name, tools), node.args, strict=False):
        arguments[parameter] = ast.literal_eval(value)
    if len(arguments) < len(node.args):
        raise ValueError
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError
        arguments[keyword.arg] = ast.literal_eval(keyword.value)
    return PythonCall(name, json.dumps(arguments, ensure_ascii=False))


def _parameters(name: str, tools: Sequence[ToolSpec]) -> list[str]:
    for tool in tools:
        if tool.name == name:
            return list(tool.parameters.get("properties") or ())
    return []
