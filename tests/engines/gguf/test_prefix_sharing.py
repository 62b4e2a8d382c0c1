"""What several chats begin with is computed once, whoever computes it."""

import pytest

from tests.engines.gguf.client import Client, assistant, message, user

pytestmark = pytest.mark.core

SYSTEM = message("system", "You know the capitals of all countries. " + "You answer in one sentence. " * 12)
JAPAN = user("What is the capital of Japan?")
TOKYO = "The capital of Japan is Tokyo."


def test_a_fork_computes_only_what_is_new(engine: Client) -> None:
    history = (SYSTEM, JAPAN, assistant(TOKYO))
    first = engine.answer(*history, user("And of Italy?"), chat="fork: origin", max_tokens=16)
    fork = engine.answer(*history, user("And of Spain?"), chat="fork: copy", max_tokens=16)
    assert first.usage.prompt_tokens - 12 < fork.usage.cached_tokens < fork.usage.prompt_tokens
    assert fork.progress[0].done == fork.usage.cached_tokens
    assert "Madrid" in fork.text


def test_a_retry_in_a_chat_of_its_own_computes_one_token(engine: Client) -> None:
    first = engine.answer(SYSTEM, JAPAN, chat="retry: origin")
    again = engine.answer(SYSTEM, JAPAN, chat="retry: copy")
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert again.text == first.text


def test_the_chat_that_a_fork_began_in_goes_on_as_before(engine: Client) -> None:
    first = engine.answer(SYSTEM, JAPAN, chat="both: origin")
    engine.answer(SYSTEM, JAPAN, assistant(first.text), user("And of Spain?"), chat="both: copy")
    second = engine.answer(SYSTEM, JAPAN, assistant(first.text), user("And of Italy?"), chat="both: origin")
    assert second.usage.cached_tokens >= first.usage.context_tokens
    assert "Rome" in second.text


def test_a_prompt_asked_several_times_at_once_is_computed_once(engine: Client) -> None:
    prompt = user("What is the capital of Japan? " + "Think about it. " * 60)
    asked = [engine.ask(prompt, max_tokens=4) for _ in range(3)]
    usages = [one.end().usage for one in asked]
    assert usages[0].cached_tokens < 32
    assert [usage.cached_tokens for usage in usages[1:]] == [usage.prompt_tokens - 1 for usage in usages[1:]]
    assert len({one.text for one in asked}) == 1
    for one in asked:
        assert [step.done for step in one.progress] == sorted({step.done for step in one.progress})
        assert one.progress[-1].done == one.usage.prompt_tokens


def test_those_that_wait_for_a_request_go_on_without_it(engine: Client) -> None:
    prompt = user("What is the capital of Japan? " + "Think again. " * 250)
    leader = engine.ask(prompt, max_tokens=4)
    leader.until(lambda asked: len(asked.progress) > 1)
    follower = engine.ask(prompt, max_tokens=4).until(lambda asked: bool(asked.progress))
    engine.loop.cancel(leader.request.id)
    assert leader.end().reason == "cancelled"
    assert follower.end().usage.completion_tokens == 4
