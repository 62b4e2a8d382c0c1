"""Tool calls as servers stream them: whole or in fragments, with numbers and ids or without."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mistral_tui.engines.parsing.reader import new_call_id
from mistral_tui.types.events import Delta, TextDelta, ToolCallDelta


@dataclass
class _Call:
    """A call that the server has begun."""

    told_id: str
    """Its id as the server gave it."""
    number: int | None = None
    """Which call of the reply it is; `None` while its name has not come."""
    waiting: str = ""
    """Arguments that came before the name."""


class Calls:
    """The calls of one reply. Those found in its text and those that the server names are numbered together."""

    def __init__(self) -> None:
        self.begun = 0
        """How many have a number."""
        self._calls: list[_Call] = []
        self._slots: dict[int, _Call] = {}
        """By the server's number."""
        self._in_text: dict[int, int] = {}

    def take(self, entries: Sequence[Any]) -> list[Delta]:
        """Take the `tool_calls` of a chunk and return what is new; the deltas count no tokens."""
        deltas: list[Delta] = []
        for entry in entries:
            if not isinstance(entry, dict):
                continue
            function = entry.get("function")
            function = function if isinstance(function, dict) else {}
            name, told_id = _text(function.get("name")), _text(entry.get("id"))
            call = self._call(entry.get("index"), told_id, name)
            arguments = _arguments(function.get("arguments"))
            if call.number is None:
                call.waiting += arguments
                if name:
                    call.number = self._next()
                    identity = call.told_id or new_call_id()
                    deltas.append(ToolCallDelta(call.number, identity, name, call.waiting, tokens=0))
            elif arguments:
                deltas.append(ToolCallDelta(call.number, arguments=arguments, tokens=0))
        return deltas

    def nameless(self) -> list[Delta]:
        """Return, as text, what calls said whose name never came."""
        waiting = [call.waiting for call in self._calls if call.number is None and call.waiting]
        return [TextDelta(text, 0) for text in waiting]

    def renumbered(self, delta: Delta) -> Delta:
        """Return a delta from the reply's text, its call numbered among all."""
        if not isinstance(delta, ToolCallDelta):
            return delta
        if delta.index not in self._in_text:
            self._in_text[delta.index] = self._next()
        return ToolCallDelta(self._in_text[delta.index], delta.call_id, delta.name, delta.arguments, tokens=0)

    @staticmethod
    def counted(delta: ToolCallDelta, tokens: int) -> ToolCallDelta:
        """Return `delta` standing for so many tokens."""
        return ToolCallDelta(delta.index, delta.call_id, delta.name, delta.arguments, tokens)

    def _next(self) -> int:
        self.begun += 1
        return self.begun - 1

    def _call(self, index: Any, told_id: str, name: str) -> _Call:
        """Return the call that an entry goes on with, or begins."""
        if isinstance(index, int):
            call = self._slots.get(index)
            # Some give all calls the number 0, each whole and with an id of its own.
            other = call is not None and bool(told_id and call.told_id and told_id != call.told_id and name)
        else:
            same = [each for each in self._calls if told_id and each.told_id == told_id]
            call = same[-1] if same else self._calls[-1] if self._calls else None
            other = not same and bool(told_id or (name and call is not None and call.number is not None))
        if call is None or other:
            call = _Call(told_id)
            self._calls.append(call)
            if isinstance(index, int):
                self._slots[index] = call
        call.told_id = call.told_id or told_id
        return call


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
