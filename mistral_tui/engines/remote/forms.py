"""Prescribed forms of a reply, as the kinds of servers want to be told them.

A form is never left out silently: an answer of another form than was asked for is worse than none.
"""

import json
from collections.abc import Mapping
from typing import Final

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Json
from mistral_tui.types.requests import Grammar, GrammarKind

_FORMS: Final[Mapping[tuple[str, GrammarKind], str]] = {
    ("llamacpp", "gbnf"): "grammar",
    ("me", "gbnf"): "grammar",  # llama-cpp-python
    ("vllm", "regex"): "structured_outputs.regex",
    ("vllm", "lark"): "structured_outputs.grammar",
    ("sglang", "regex"): "regex",
    ("sglang", "gbnf"): "ebnf",
}
"""By what a server says of itself (`owned_by` of its models), the field that a grammar goes into."""
_CONTINUATIONS: Final[Mapping[str, Json]] = {
    "vllm": {"continue_final_message": True, "add_generation_prompt": False},
    "sglang": {"continue_final_message": True},
    "llamacpp": {},  # it and Ollama do so by themselves
    "library": {},
}


def as_continuation(owner: str, endpoint: str) -> Json:
    """Return how to ask that the last message is gone on with instead of answered.

    Args:
        owner: What the server says of itself.
        endpoint: Its name, for errors.

    Raises:
        InvalidRequest: It is not known to do that.
    """
    if owner not in _CONTINUATIONS:
        raise InvalidRequest(f"{endpoint} is not known to go on with a reply; send the prompt again instead")
    return _CONTINUATIONS[owner]


def as_form(grammar: Grammar, owner: str, endpoint: str) -> tuple[Json, ...]:
    """Return the ways to ask for a form, the one to try first at the beginning.

    Args:
        grammar: The form.
        owner: What the server says of itself.
        endpoint: Its name, for errors.

    Raises:
        InvalidRequest: It cannot be asked for at this server, or is no JSON.
    """
    if grammar.kind == "json_schema":
        try:
            schema = json.loads(grammar.value)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"the JSON schema is no JSON: {error}; correct it") from None
        named = {"name": "reply", "schema": schema, "strict": True}
        standard: Json = {"response_format": {"type": "json_schema", "json_schema": named}}
        older: Json = {"response_format": {"type": "json_object", "schema": schema}}  # llama-cpp-python
        return (older, standard) if owner == "me" else (standard, older)
    place = _FORMS.get((owner, grammar.kind))
    if place is None:
        raise InvalidRequest(
            f"{endpoint} is not known to take a grammar of the kind {grammar.kind}; give a JSON schema, "
            "or ask a model on this machine"
        )
    outer, _, inner = place.partition(".")
    return ({outer: {inner: grammar.value} if inner else grammar.value},)
