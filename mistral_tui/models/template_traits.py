"""What a chat template takes. Nothing in it says so: small conversations are rendered, and needles are looked for."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from mistral_tui.models.template_rewording import (
    TextBesideCalls,
    WriteCalls,
    calls_in_text,
    granite_calls,
    lfm_calls,
    one_call_each,
    text_off_calls,
    with_arguments_as_text,
    with_short_ids,
    with_typed_content,
)
from mistral_tui.types.messages import Json

_NEEDLE: Final = "needle-7f3a"
_RESULT: Final = "needle-8b21"
_TEXT: Final = "needle-c5d0"

_WRITTEN: Final[dict[str, WriteCalls]] = {"<|tool_call|>": granite_calls, "List of tools: ": lfm_calls}
"""How calls are written where a template does not say so, by what its families contain."""

Probe = Callable[[Sequence[Json], Json], str | None]
"""Renders turns with the given variables; `None`: the template fails."""


@dataclass(frozen=True)
class CallForm:
    """How calls of tools are to be put to a template."""

    short_ids: bool = False
    arguments_as_text: bool = False
    one_call_each: bool = False
    text: TextBesideCalls = "beside"
    written: WriteCalls | None = None
    """How calls become the text of replies, for templates that leave calls to it and show tools and results."""
    takes_system: bool = True
    """Whether a system message stays in the prompt after calls; if not, it goes into the first user message."""

    def apply(self, turns: Sequence[Json]) -> list[Json]:
        """Return the turns in this form."""
        if self.written:
            return calls_in_text(turns, self.written)
        changed = text_off_calls(turns, self.text)
        changed = one_call_each(changed) if self.one_call_each else changed
        changed = with_short_ids(changed) if self.short_ids else changed
        return with_arguments_as_text(changed) if self.arguments_as_text else changed


class Traits:
    """What one template takes; found out once, when it is first asked for."""

    def __init__(self, text: str, probe: Probe) -> None:
        self._text = text
        self._probe = probe

    @cached_property
    def always(self) -> Json:
        """Variables that must be there for it to render anything: some are written for requests with tools only."""
        attempts: list[Json] = [
            {"tools": None, "documents": None},
            {"tools": [], "documents": None},
            {"tools": [], "documents": None, "functions": "[]", "datetime": time.strftime("%B %d, %Y")},
        ]
        for variables in attempts:
            for typed in (False, True):
                turns = [_said("user", _NEEDLE)]
                if _NEEDLE in (self._probe(with_typed_content(turns) if typed else turns, variables) or ""):
                    return variables
        return attempts[0]

    @cached_property
    def typed_content(self) -> bool:
        """Whether it takes the content of a message only as a list of typed parts."""
        turns = [_said("user", _NEEDLE)]
        if _NEEDLE in (self._probe(turns, self.always) or ""):
            return False
        return _NEEDLE in (self._probe(with_typed_content(turns), self.always) or "")

    @cached_property
    def system(self) -> bool:
        """Whether a system message finds its way into the prompt; many templates refuse or ignore it."""
        return self._shows([_said("system", _NEEDLE), _said("user", "x")])

    @cached_property
    def tools(self) -> bool:
        """Whether it tells the model of tools."""
        return self._shows([_said("user", "x")], tools=[_tool()])

    @cached_property
    def documents(self) -> bool:
        """Whether it tells the model of documents."""
        return self._shows([_said("user", "x")], documents=[{"title": "t", "text": _NEEDLE, "doc_id": "1"}])

    @cached_property
    def thinking(self) -> bool:
        """Whether `enable_thinking`, or `thinking` as some call it, makes a difference."""
        on, off = (self._render([_said("user", "x")], thinking_variables(value)) for value in (True, False))
        return on != off

    @cached_property
    def reasoning(self) -> str | None:
        """What it calls the reasoning of a reply; `None`: it has no place for it."""
        reply = {**_said("assistant", ""), "tool_calls": [_call(0)]} if self.calls else _said("assistant", "y")
        after = [{**_said("tool", _RESULT), "tool_call_id": "call-0", "name": "look"}] if self.calls else []
        for key in ("reasoning_content", "thinking"):
            turns = [_said("user", "x"), {**reply, key: _TEXT}, *after]
            turns = self.calls.apply(turns) if self.calls else turns
            variables = {**({"tools": [_tool()]} if self.calls else {}), **thinking_variables(True)}
            if _TEXT in (self._render(turns, variables) or ""):
                return key
        return None

    @cached_property
    def calls(self) -> CallForm | None:
        """How it takes calls and their results; `None`: not both of them, or in no form that is known."""
        simple = [CallForm(short, as_text) for short in (False, True) for as_text in (False, True)]
        simple += [CallForm(written=write) for sign, write in _WRITTEN.items() if sign in self._text]
        form = next((form for form in simple if self._shows_calls(form)), None)
        if form is None:
            return None
        if not self._shows_calls(form, count=2):
            form = replace(form, one_call_each=True)
        for text in ("beside", "apart", "later"):
            if self._shows_calls(with_text := replace(form, text=text), text=_TEXT):
                form = with_text
                break
        return replace(form, takes_system=self.system and self._shows_calls(form, system=_TEXT))

    def _shows_calls(self, form: CallForm, *, count: int = 1, text: str = "", system: str = "") -> bool:
        calls = [_call(number) for number in range(count)]
        turns = [_said("user", "x"), {**_said("assistant", text), "tool_calls": calls}]
        for number in range(count):
            result = {**_said("tool", f"{_RESULT}-{number}"), "tool_call_id": f"call-{number}", "name": "look"}
            turns.append(result)
        if text:
            turns += [_said("assistant", "y"), _said("user", "z")]
        if system:
            turns.insert(0, _said("system", system))
        shown = self._render(form.apply(turns), {"tools": [_tool()]}) or ""
        needles = [text, system, *(f"{needle}-{number}" for needle in (_NEEDLE, _RESULT) for number in range(count))]
        if not all(needle in shown for needle in needles):
            return False
        # Python's way to write a dictionary, or JSON within JSON: the arguments were wanted in the other form.
        return not any(wrong in shown for wrong in (f"'place': '{_NEEDLE}", f'\\"{_NEEDLE}'))

    def _shows(self, turns: Sequence[Json], **variables: Any) -> bool:
        return _NEEDLE in (self._render(turns, variables) or "")

    def _render(self, turns: Sequence[Json], variables: Json) -> str | None:
        tools = variables.get("tools")
        given = {**(self.with_tools(tools) if tools else self.always), **variables}
        return self._probe(with_typed_content(turns) if self.typed_content else turns, given)

    def with_tools(self, functions: Sequence[Json]) -> Json:
        """Return the variables of `always` for a request with tools."""
        variables = {**self.always, "tools": functions}
        if "functions" in variables:
            variables["functions"] = json.dumps(functions, ensure_ascii=False)
        return variables


def thinking_variables(enable: bool) -> Json:
    """Return the variables that tell templates whether the model shall think: families name them differently."""
    return {"enable_thinking": enable, "thinking": enable}


def _said(role: str, content: str) -> Json:
    return {"role": role, "content": content}


def _tool() -> Json:
    place = {"type": "string", "description": "Where."}
    parameters = {"type": "object", "properties": {"place": place}, "required": ["place"]}
    return {"type": "function", "function": {"name": "look", "description": _NEEDLE, "parameters": parameters}}


def _call(number: int) -> Json:
    function = {"name": "look", "arguments": {"place": f"{_NEEDLE}-{number}"}}
    return {"id": f"call-{number}", "type": "function", "function": function}
