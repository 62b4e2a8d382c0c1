from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.gguf.text.prompt import Prompt, PromptWriter
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Message
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.engines.gguf.client import assistant, message, user
from tests.engines.gguf.fakes import FakeVocabulary, as_vocabulary

pytestmark = pytest.mark.core

TEMPLATE = """\
{%- for message in messages -%}
{{ {"user": "<|user|>", "assistant": "<|bot|>", "system": "<|system|>"}[message.role] + message.content + "<|end|>" }}
{%- endfor -%}
{{ "<|bot|>" if add_generation_prompt }}"""
SYSTEM = message("system", "S")


def conversation(turns: int, length: int = 6) -> list[Message]:
    """Return so many complete turns and a last user message; each message takes `length` + 2 tokens."""
    messages: list[Message] = []
    for _ in range(turns):
        messages += [user("x" * length), assistant("y" * length)]
    return [*messages, user("z" * length)]


def written(messages: list[Message], n_ctx: int, first_kept: str | None = None, max_tokens: int = 8) -> Prompt:
    writer = PromptWriter(ChatTemplate(TEMPLATE), as_vocabulary(FakeVocabulary()), n_ctx)
    request = GenerateRequest(tuple(messages), SamplingParams(max_tokens=max_tokens))
    return writer.write(request, (), first_kept)


def test_a_conversation_that_fits_is_whole() -> None:
    prompt = written([SYSTEM, *conversation(4)], n_ctx=200)
    assert (prompt.left_out, prompt.first_kept) == (0, None)
    assert prompt.transcript.text.startswith("<|system|>S<|end|><|user|>x")


def test_the_oldest_turns_go_and_the_system_message_stays() -> None:
    messages = [SYSTEM, *conversation(10)]
    prompt = written(messages, n_ctx=100)
    assert prompt.left_out > 0
    assert prompt.left_out % 2 == 0
    assert prompt.transcript.text.startswith("<|system|>S<|end|><|user|>x")
    assert prompt.transcript.text.endswith("zzzzzz<|end|><|bot|>")
    assert prompt.first_kept == messages[1 + prompt.left_out].id
    assert len(prompt.transcript.tokens) <= 50


def test_the_next_turn_begins_where_the_last_one_did() -> None:
    messages = [SYSTEM, *conversation(10)]
    first = written(messages, n_ctx=100)
    second = written([*messages, assistant("y"), user("more")], n_ctx=100, first_kept=first.first_kept)
    assert second.left_out == first.left_out
    assert second.transcript.text.startswith(first.transcript.text)


@given(st.integers(0, 30), st.integers(1, 12), st.integers(64, 300), st.integers(1, 400))
def test_what_is_written_fits_with_room_for_a_reply(turns: int, length: int, n_ctx: int, max_tokens: int) -> None:
    prompt = written([SYSTEM, *conversation(turns, length)], n_ctx, max_tokens=max_tokens)
    assert len(prompt.transcript.tokens) + min(max_tokens, n_ctx // 4) <= n_ctx


def test_a_last_message_that_does_not_fit_alone_is_refused_with_numbers() -> None:
    with pytest.raises(InvalidRequest, match=r"the message takes 504 tokens, but the context holds 100"):
        written([*conversation(3), assistant("y"), user("w" * 500)], n_ctx=100)


def test_a_last_message_that_fits_but_leaves_less_than_a_quarter_is_sent() -> None:
    prompt = written([*conversation(3), assistant("y"), user("w" * 70)], n_ctx=100, max_tokens=50)
    assert prompt.left_out == 8
    assert "x" not in prompt.transcript.text


def test_no_messages_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no message"):
        written([], n_ctx=100)


def test_a_conversation_of_system_messages_only_is_written() -> None:
    assert written([SYSTEM], n_ctx=100).transcript.text == "<|system|>S<|end|><|bot|>"


@pytest.mark.parametrize("length", [1, 100])
def test_a_very_long_conversation_is_cut_before_it_is_rendered(length: int) -> None:
    rendered: list[int] = []

    class Counting(ChatTemplate):
        def render(self, messages: Sequence[Message], *args: Any, **kwargs: Any) -> str:
            rendered.append(len(messages))
            return super().render(messages, *args, **kwargs)

    writer = PromptWriter(Counting(TEMPLATE), as_vocabulary(FakeVocabulary()), n_ctx=100)
    messages = conversation(5_000, length)
    messages[-1] = user("z")
    prompt = writer.write(GenerateRequest(tuple(messages), SamplingParams(max_tokens=8)), (), None)
    assert prompt.left_out > 9_900
    assert max(rendered) <= 100
