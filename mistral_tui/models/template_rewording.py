"""The same conversation, put differently: templates differ in what they take, and nothing may be lost.

Everything here is from turns to turns: dictionaries as `template_messages` makes them.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from mistral_tui.models.template_messages import file_block
from mistral_tui.types.messages import FilePart, Json

WriteCalls = Callable[[Sequence[Json]], str]
"""Writes calls, each with `name` and `arguments`, as a model does."""
TextBesideCalls = Literal["beside", "apart", "later"]
TOOL_INSTRUCTIONS: Final = """\
You can call functions. These are there, each with the JSON schema of its arguments:
<tools>
{tools}
</tools>

To call one, write its name and arguments as JSON between these tags, and stop after the last call:
<tool_call>
{{"name": "name-of-the-function", "arguments": {{"name-of-the-argument": "value"}}}}
</tool_call>

The results come to you between <tool_response> and </tool_response>. When no function is needed, just answer."""


def with_instructions(turns: Sequence[Json], text: str) -> list[Json]:
    """Return the turns with `text` at the end of the system message."""
    if turns and turns[0]["role"] == "system":
        return [{**turns[0], "content": f"{turns[0]['content']}\n\n{text}".strip()}, *turns[1:]]
    return [{"role": "system", "content": text}, *turns]


def tool_instructions(functions: Sequence[Json]) -> str:
    """Return what a model must know to call tools, for templates that say nothing of them."""
    return TOOL_INSTRUCTIONS.format(tools="\n".join(_json(function) for function in functions))


def fully_described(functions: Sequence[Json]) -> list[Json]:
    """Return the tools with a description and a type for each argument; some templates fail without."""
    described = []
    for function in functions:
        parameters = function["function"]["parameters"]
        properties = parameters["properties"]
        if isinstance(properties, dict):
            properties = {
                name: {"type": "string", "description": "", **schema} if isinstance(schema, dict) else schema
                for name, schema in properties.items()
            }
        changed = {**function["function"], "parameters": {**parameters, "properties": properties}}
        described.append({**function, "function": changed})
    return described


def document_instructions(documents: Sequence[Json]) -> str:
    """Return the documents as text, for templates that know none."""
    blocks = []
    for number, document in enumerate(documents, start=1):
        title = document.get("title") or f"document {number}"
        body = document.get("text")
        blocks.append(file_block(FilePart(str(title), body if isinstance(body, str) else _json(document))))
    return "\n\n".join(blocks)


def without_system(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with what the system says at the beginning of the first user message."""
    system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    rest = [turn for turn in turns if turn["role"] != "system"]
    if not system:
        return rest
    for index, turn in enumerate(rest):
        if turn["role"] == "user":
            rest[index] = {**turn, "content": f"{system}\n\n{turn['content']}"}
            return rest
    return [{"role": "user", "content": system}, *rest]


def tools_as_text(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with calls in the replies' text, and results as user messages."""
    plain: list[Json] = []
    for turn in turns:
        if turn["role"] == "tool":
            response = f"<tool_response>\n{turn['content']}\n</tool_response>"
            if plain and plain[-1].get("answers_calls"):
                plain[-1]["content"] += f"\n{response}"
            else:
                plain.append({"role": "user", "content": response, "answers_calls": True})
        elif calls := turn.get("tool_calls"):
            marked = "\n".join(f"<tool_call>\n{_json(call['function'])}\n</tool_call>" for call in calls)
            spoken = {key: value for key, value in turn.items() if key != "tool_calls"}
            plain.append({**spoken, "content": f"{turn['content']}\n{marked}".strip("\n")})
        else:
            plain.append(dict(turn))
    return [{key: value for key, value in turn.items() if key != "answers_calls"} for turn in plain]


def calls_in_text(turns: Sequence[Json], write: WriteCalls) -> list[Json]:
    """Return the turns with calls in the replies' text, as the model itself writes them."""
    return [
        {
            **{key: value for key, value in turn.items() if key != "tool_calls"},
            "content": f"{turn['content']}\n{write([call['function'] for call in turn['tool_calls']])}".strip("\n"),
        }
        if "tool_calls" in turn
        else turn
        for turn in turns
    ]


def granite_calls(functions: Sequence[Json]) -> str:
    """Write calls as Granite 3 does: JSON behind a mark."""
    return f"<|tool_call|>{_json(functions)}"


def lfm_calls(functions: Sequence[Json]) -> str:
    """Write calls as LFM2 does: Python between marks."""
    calls = (
        f"{function['name']}({', '.join(f'{name}={_python(value)}' for name, value in function['arguments'].items())})"
        for function in functions
    )
    return f"<|tool_call_start|>[{', '.join(calls)}]<|tool_call_end|>"


def _python(value: Any) -> str:
    """Write a value of JSON as Python; `repr` would change characters that must stay as they are."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_json(key)}: {_python(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    return _json(value) if isinstance(value, str) else str(value)


def text_off_calls(turns: Sequence[Json], text: TextBesideCalls) -> list[Json]:
    """Return the turns with the text that a reply has beside its calls where a template shows it.

    Args:
        turns: Replies with text and calls among them.
        text: `beside`: it stays. `apart`: a reply of its own before the one with the calls. `later`: at the beginning
            of the reply that comes after the results, for templates that refuse two replies to one message; as long
            as there is none, a reply of its own.
    """
    if text == "beside":
        return list(turns)
    apart: list[Json] = []
    early: Json | None = None
    """The text of earlier calls that the next reply is to begin with."""
    for turn in turns:
        if turn["role"] == "user":
            early = None
        if turn["role"] != "assistant" or not turn["content"]:
            apart.append(turn)
            continue
        if early is not None:
            apart[:] = [other for other in apart if other is not early]
            turn = {**turn, "content": f"{early['content']}\n\n{turn['content']}"}
            early = None
        if "tool_calls" not in turn:
            apart.append(turn)
            continue
        spoken = {"role": "assistant", "content": turn["content"]}
        apart += [spoken, {**turn, "content": ""}]
        early = spoken if text == "later" else None
    return apart


def one_call_each(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with each call in a reply of its own, followed by its result."""
    single: list[Json] = []
    waiting: list[Json] = []
    for turn in turns:
        if turn["role"] == "tool":
            index = next(
                (i for i, call in enumerate(waiting) if call["tool_calls"][0]["id"] == turn.get("tool_call_id")), 0
            )
            single += [*waiting[index : index + 1], turn]
            del waiting[index : index + 1]
            continue
        single += waiting
        waiting = []
        if len(calls := turn.get("tool_calls", ())) > 1:
            first = {**turn, "tool_calls": [calls[0]]}
            waiting = [first, *({"role": "assistant", "content": "", "tool_calls": [call]} for call in calls[1:])]
        else:
            single.append(turn)
    return single + waiting


def with_short_ids(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with ids of nine letters and digits, which is what Mistral's templates insist on."""
    short = []
    for turn in turns:
        if "tool_call_id" in turn:
            turn = {**turn, "tool_call_id": _short(turn["tool_call_id"])}
        if "tool_calls" in turn:
            turn = {**turn, "tool_calls": [{**call, "id": _short(call["id"])} for call in turn["tool_calls"]]}
        short.append(turn)
    return short


def _short(call_id: str) -> str:
    if len(call_id) == 9 and call_id.isascii() and call_id.isalnum():
        return call_id
    return hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:9]


def with_arguments_as_text(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with the arguments of calls as JSON text."""

    def changed(call: Json) -> Json:
        return {**call, "function": {**call["function"], "arguments": _json(call["function"]["arguments"])}}

    return [
        {**turn, "tool_calls": [changed(call) for call in turn["tool_calls"]]} if "tool_calls" in turn else turn
        for turn in turns
    ]


def with_typed_content(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with their content as a list of typed parts."""
    return [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]


def joined(turns: Sequence[Json]) -> list[Json]:
    """Return the turns with empty replies left out and neighbours of one role made one."""
    merged: list[Json] = []
    for turn in turns:
        if turn["role"] == "assistant" and not turn["content"] and "tool_calls" not in turn:
            continue
        if merged and _may_join(merged[-1], turn):
            merged[-1] = {**turn, **merged[-1], "content": f"{merged[-1]['content']}\n\n{turn['content']}".strip("\n")}
            if "tool_calls" in turn:
                merged[-1]["tool_calls"] = turn["tool_calls"]
        else:
            merged.append(turn)
    return merged


def _may_join(turn: Json, following: Json) -> bool:
    return turn["role"] == following["role"] != "tool" and "tool_calls" not in turn


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
