"""The whole engine with a real model, in this process."""

from typing import Any

import pytest

from tests.engines.gguf.client import Client, assistant, message, user

pytestmark = pytest.mark.core

JAPAN = user("What is the capital of Japan?")
WEEK = user("What are the days of the week?")
COUNT = user("Write the numbers from 1 to 50, separated by commas.")
STORY = user("Tell me a long story about a king.")
BEGINNING = 24
"""Tokens that all chats begin with: the model's own system prompt."""


def test_it_knows_the_capital_of_japan(engine: Client) -> None:
    asked = engine.answer(JAPAN)
    assert asked.text == "The capital of Japan is Tokyo."
    assert asked.reason == "stop"


def test_the_account_is_exact(engine: Client) -> None:
    usage = engine.answer(JAPAN, chat="account").usage
    assert usage.prompt_tokens == 37
    assert usage.cached_tokens == 0
    assert usage.completion_tokens == 7
    assert usage.context_tokens == 44
    assert usage.context_size == 1024
    assert usage.time_to_first_token > 0
    assert usage.prefill_rate > 0
    assert usage.decode_rate > 0


def test_the_second_turn_computes_only_what_is_new(engine: Client) -> None:
    first = engine.answer(JAPAN, chat="turns")
    second = engine.answer(JAPAN, assistant(first.text), WEEK, chat="turns", max_tokens=12)
    assert second.usage.cached_tokens == first.usage.context_tokens
    assert second.progress[0].done == second.usage.cached_tokens
    assert second.progress[-1].done == second.progress[-1].total == second.usage.prompt_tokens
    engine.loop.forget("turns")
    alone = engine.answer(JAPAN, assistant(first.text), WEEK, max_tokens=12)
    assert alone.text == second.text


def test_the_same_prompt_again_computes_one_token(engine: Client) -> None:
    first = engine.answer(JAPAN, chat="retry")
    again = engine.answer(JAPAN, chat="retry")
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert again.text == first.text


def test_an_edited_message_shares_what_was_before_it(engine: Client) -> None:
    first = engine.answer(JAPAN, assistant("Tokyo."), WEEK, chat="edit")
    second = engine.answer(JAPAN, assistant("Tokyo."), JAPAN, chat="edit")
    assert BEGINNING < second.usage.cached_tokens < first.usage.prompt_tokens
    engine.loop.forget("edit")
    assert second.text == engine.answer(JAPAN, assistant("Tokyo."), JAPAN).text


def test_a_forgotten_chat_is_computed_anew(engine: Client) -> None:
    secret = user("Hush! What is the capital of Japan?")
    engine.answer(secret, chat="forgotten", max_tokens=4)
    engine.loop.forget("forgotten")
    assert engine.answer(secret, chat="forgotten", max_tokens=4).usage.cached_tokens <= BEGINNING


def test_chats_that_interleave_say_what_they_say_alone(engine: Client) -> None:
    alone = [engine.answer(JAPAN).text, engine.answer(COUNT, max_tokens=40).text]
    asked = [engine.ask(JAPAN), engine.ask(COUNT, max_tokens=40)]
    assert [one.end().text for one in asked] == alone


def test_more_requests_than_sequences_wait_for_their_turn(engine: Client) -> None:
    asked = [engine.ask(JAPAN, max_tokens=3 + number) for number in range(8)]
    assert [one.end().usage.completion_tokens for one in asked] == [3, 4, 5, 6, 7, 7, 7, 7]


def test_a_short_prompt_does_not_wait_for_a_long_one(engine: Client) -> None:
    long = engine.ask(user("word " * 500), max_tokens=1)
    long.until(lambda asked: len(asked.progress) > 1)
    short = engine.answer(JAPAN, max_tokens=1)
    assert short.reason == "length"
    assert not long.finished
    assert long.end().usage.prompt_tokens > 500


def test_cancelled_in_its_prompt_it_ends_and_goes_on_later(engine: Client) -> None:
    prompt = user("word " * 350 + "What is the capital of Japan?")
    cancelled = engine.ask(prompt, chat="prefill", max_tokens=8)
    cancelled.until(lambda asked: len(asked.progress) > 1)
    engine.loop.cancel(cancelled.request.id)
    assert cancelled.end().reason == "cancelled"
    assert 0 < cancelled.usage.context_tokens < cancelled.usage.prompt_tokens
    later = engine.answer(prompt, chat="prefill", max_tokens=8)
    assert later.usage.cached_tokens == cancelled.usage.context_tokens
    assert later.text == engine.answer(prompt, max_tokens=8).text


def test_cancelled_in_its_reply_it_keeps_what_was_said(engine: Client) -> None:
    cancelled = engine.ask(STORY, chat="decode")
    cancelled.until(lambda asked: asked.told_tokens >= 10)
    engine.loop.cancel(cancelled.request.id)
    assert cancelled.end().reason == "cancelled"
    whole = engine.answer(STORY, max_tokens=cancelled.usage.completion_tokens)
    assert cancelled.text == whole.text
    follow = engine.answer(STORY, assistant(cancelled.text), WEEK, chat="decode", max_tokens=8)
    assert follow.usage.cached_tokens >= cancelled.usage.context_tokens - 1


def test_cancelling_one_request_leaves_the_other_alone(engine: Client) -> None:
    alone = engine.answer(COUNT, max_tokens=40).text
    other = engine.ask(COUNT, max_tokens=40).until(lambda asked: asked.told_tokens > 2)
    for _ in range(3):
        cancelled = engine.ask(user("word " * 300), max_tokens=5)
        cancelled.until(lambda asked: bool(asked.progress))
        engine.loop.cancel(cancelled.request.id)
        assert cancelled.end().reason == "cancelled"
    assert other.end().text == alone


def test_a_request_that_waits_can_be_cancelled(engine: Client) -> None:
    busy = [engine.ask(STORY, max_tokens=200) for _ in range(3)]
    waiting = engine.ask(JAPAN)
    engine.loop.cancel(waiting.request.id)
    assert waiting.end().reason == "cancelled"
    assert waiting.usage.prompt_tokens == 0
    for one in busy:
        engine.loop.cancel(one.request.id)
        assert one.end().reason == "cancelled"


def test_cancelling_what_is_not_there_is_ignored(engine: Client) -> None:
    engine.loop.cancel("nobody")
    assert engine.answer(JAPAN, max_tokens=1).reason == "length"


def test_a_stop_string_ends_the_reply_before_it(engine: Client) -> None:
    asked = engine.answer(JAPAN, stop=("of Japan", "xyz"))
    assert asked.text == "The capital "
    assert asked.reason == "stop"


def test_a_stop_string_that_begins_but_does_not_come_is_shown(engine: Client) -> None:
    assert engine.answer(JAPAN, stop=("Tokyo.!",)).text == "The capital of Japan is Tokyo."


def test_the_next_turn_after_a_stop_string_is_right(engine: Client) -> None:
    first = engine.answer(JAPAN, chat="stopped", stop=(" Japan",))
    history = (JAPAN, assistant(first.text), WEEK)
    second = engine.answer(*history, chat="stopped", max_tokens=10)
    assert 0 < second.usage.cached_tokens < first.usage.context_tokens
    assert second.text == engine.answer(*history, max_tokens=10).text


def test_the_most_tokens_are_kept(engine: Client) -> None:
    asked = engine.answer(STORY, max_tokens=5)
    assert (asked.reason, asked.usage.completion_tokens, asked.told_tokens) == ("length", 5, 5)


def test_one_seed_gives_one_text(engine: Client) -> None:
    texts = [engine.answer(STORY, temperature=1.2, seed=seed, max_tokens=24).text for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]


def test_a_drawn_seed_is_reported_and_gives_the_text_again(engine: Client) -> None:
    first = engine.answer(STORY, temperature=1.2, max_tokens=16)
    other = engine.answer(STORY, temperature=1.2, max_tokens=16)
    assert first.usage.seed is not None
    assert first.usage.seed != other.usage.seed
    again = engine.answer(STORY, temperature=1.2, seed=first.usage.seed, max_tokens=16)
    assert again.text == first.text


def test_penalties_make_words_come_less_often(engine: Client) -> None:
    def repeated(**penalties: Any) -> int:
        words = engine.answer(STORY, max_tokens=60, **penalties).text.lower().split()
        return len(words) - len(set(words))

    plain = repeated()
    assert repeated(frequency_penalty=1.5) < plain
    assert repeated(presence_penalty=1.5) < plain
    assert repeated(repetition_penalty=1.5) < plain
    assert repeated(repetition_penalty=1.5, penalty_window=0) == plain


def test_all_filters_together_give_a_reply(engine: Client) -> None:
    asked = engine.answer(
        JAPAN,
        temperature=0.5,
        top_k=5,
        top_p=0.9,
        min_p=0.1,
        repetition_penalty=1.1,
        frequency_penalty=0.1,
        presence_penalty=0.1,
        seed=1,
    )
    assert "Tokyo" in asked.text


def test_a_temperature_near_zero_is_greedy(engine: Client) -> None:
    assert engine.answer(JAPAN, temperature=1e-30, top_k=0).text == "The capital of Japan is Tokyo."


def test_emojis_come_out_whole(engine: Client) -> None:
    asked = engine.answer(
        message("system", "You repeat what the user says."),
        user("Repeat exactly: 😀😀😀 привет 日本"),
        max_tokens=24,
    )
    assert "😀" in asked.text
    assert "\ufffd" not in asked.text[:-1]


def test_a_slow_reader_pauses_its_own_request_only(engine: Client) -> None:
    slow = engine.ask(STORY, max_tokens=40, text_limit=20)
    quick = engine.answer(JAPAN)
    assert quick.reason == "stop"
    assert slow.outbox.full
    assert not slow.outbox.finished
    assert slow.end().usage.completion_tokens == 40


def test_a_failing_request_does_not_touch_the_others(engine: Client) -> None:
    other = engine.ask(WEEK, max_tokens=30)
    failed = engine.answer(user("word " * 3000))
    assert failed.reason == "failed"
    assert failed.last.error is not None
    assert "but the context holds 1,024" in failed.last.error
    assert "\n" not in failed.last.error
    assert other.end().reason == "length"


def test_no_messages_fail_with_a_reason(engine: Client) -> None:
    assert engine.answer().last.error == "there is no message to answer; write one"


def test_the_memory_of_the_kv_cache_is_measured(engine: Client) -> None:
    layers, heads, width, half_precision = 30, 3, 64, 2
    told = engine.loop.model
    exact = 2 * layers * heads * width * half_precision
    assert exact <= told.kv_token_bytes < 1.01 * exact, "a few bytes say where the token stands"
    assert told.kv_tokens >= 3 * 1024
    assert told.device_bytes == 0
