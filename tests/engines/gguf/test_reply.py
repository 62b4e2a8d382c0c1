"""From tokens to events: marks that are control tokens, stop strings, and where every token is counted."""

import re
from typing import cast

import pytest

from mistral_tui.engines.gguf.scheduling.reply import Reply, ReplyNotation
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.events import Delta, EngineEvent, ReasoningDelta, TextDelta, ToolCallDelta
from mistral_tui.types.requests import GenerateRequest, Grammar, SamplingParams, ToolSpec

pytestmark = pytest.mark.core

QWEN = """{% for message in messages %}{{ message.content }}{% endfor %}{{ tools }}<tool_call></tool_call></think>"""
LOOK = ToolSpec("look")
CALL = '<tool_call>{"name": "look", "arguments": {"a": 1}}</tool_call>'


class MarkedVocabulary:
    """Some control tokens; every other token is one byte."""

    control_names = ("<tool_call>", "</tool_call>", "<think>", "</think>", "<|other|>")

    def piece(self, token: int) -> bytes:
        return b"" if self.is_control(token) else bytes([token])

    def is_control(self, token: int) -> bool:
        return token >= 256

    def name(self, token: int) -> str:
        return self.control_names[token - 256] if self.is_control(token) else chr(token)

    def has_token(self, name: str) -> bool:
        return name in self.control_names

    def control(self, name: str) -> int | None:
        return 256 + self.control_names.index(name) if name in self.control_names else None

    def tokens(self, text: str) -> list[int]:
        names = "|".join(map(re.escape, self.control_names))
        tokens: list[int] = []
        for part in re.split(f"({names})", text):
            token = self.control(part)
            tokens += [token] if token is not None else part.encode()
        return tokens


VOCABULARY = MarkedVocabulary()


def told(text: str, request: GenerateRequest | None = None, prompt: str = "") -> tuple[list[EngineEvent], Reply, bool]:
    """Return the events of a reply, the reply, and whether a stop string ended it."""
    notation = ReplyNotation(ChatTemplate(QWEN), cast(Vocabulary, VOCABULARY))
    outbox = Outbox()
    reply = notation.reply(request or GenerateRequest(tools=(LOOK,)), outbox, prompt)
    tokens = VOCABULARY.tokens(text)
    for count, token in enumerate(tokens, start=1):
        if reply.take(reply.piece(token)):
            reply.tell_tokens()
            events = list(outbox.take())
            assert sum(event.tokens for event in events if isinstance(event, Delta)) == count
            return events, reply, True
    stopped = reply.end()
    events = list(outbox.take())
    assert sum(event.tokens for event in events if isinstance(event, Delta)) == len(tokens)
    return events, reply, stopped


def test_marks_that_are_control_tokens_are_read_and_others_stay_out_of_sight() -> None:
    events, reply, _ = told(f"<think>hm</think>é<|other|>!{CALL}")
    assert reply.called
    kinds = [type(event) for event in events]
    assert kinds == [ReasoningDelta, TextDelta, ToolCallDelta]
    reasoning, text, call = events
    assert isinstance(reasoning, ReasoningDelta)
    assert isinstance(text, TextDelta)
    assert isinstance(call, ToolCallDelta)
    assert (reasoning.text, text.text) == ("hm", "é!")
    assert (call.name, call.arguments) == ("look", '{"a": 1}')


def test_without_tools_the_marks_of_calls_stay_out_of_sight_and_reasoning_is_told() -> None:
    events, reply, _ = told("hm</think><tool_call>x", GenerateRequest(), prompt="<think>\n")
    assert [event.text for event in events if isinstance(event, TextDelta | ReasoningDelta)] == ["hm", "x"]
    assert not reply.called


def test_a_reply_of_a_prescribed_form_calls_nothing() -> None:
    request = GenerateRequest(tools=(LOOK,), grammar=Grammar("regex", ".*"))
    bare = '{"name": "look", "arguments": {}}'
    events, reply, _ = told(bare, request)
    assert [event.text for event in events if isinstance(event, TextDelta)] == [bare]
    assert not reply.called


@pytest.mark.parametrize(
    ("text", "shown", "stopped"),
    [
        ("one END two", "one ", True),
        ("<think>END</think>one EN", "one EN", False),
        (f"one E{CALL}ND", "one END", False),
        (f"one END{CALL}", "one ", True),
        ('<tool_call>{"name": "look", "arguments": {"a": "END"}}</tool_call>', "", False),
    ],
)
def test_stop_strings_are_looked_for_in_the_answer_alone(text: str, shown: str, stopped: bool) -> None:
    request = GenerateRequest(tools=(LOOK,), sampling=SamplingParams(stop=("END",)))
    events, reply, has_stopped = told(text, request)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == shown
    assert has_stopped == stopped
    assert reply.called == (not stopped and "look" in text)
