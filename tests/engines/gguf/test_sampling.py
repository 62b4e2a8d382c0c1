"""What each way of choosing a token does to what SmolLM2 says."""

import math
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.types.events import EngineEvent, TextDelta, TokenScored
from tests.engines.gguf.client import Client, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_mamba import write_mamba

pytestmark = pytest.mark.core

JAPAN = user("What is the capital of Japan?")
STORY = user("Tell me a story about a king.")
LOOP = user("Count: one two one two one two one two")
"""Greedy, the model falls into saying "two" for ever."""
FOX = user("Repeat: The quick brown fox jumps over the lazy dog.")

WAYS: list[dict[str, Any]] = [
    {},
    {"top_k": 0, "top_p": 1.0, "min_p": 0.0},
    {"dynatemp_range": 0.7, "dynatemp_exponent": 1.5},
    {"typical_p": 0.5},
    {"top_n_sigma": 1.0, "top_k": 0},
    {"xtc_probability": 1.0, "xtc_threshold": 0.1},
    {"mirostat": 1, "mirostat_tau": 4.0, "mirostat_eta": 0.2},
    {"mirostat": 2, "mirostat_tau": 4.0},
    {"dry_multiplier": 0.8},
    {"repetition_penalty": 1.2, "frequency_penalty": 0.5, "presence_penalty": 0.5},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way), "defaults"))
def test_a_seed_says_the_same_again_and_another_something_else(engine: Client, way: dict[str, Any]) -> None:
    settings = {"temperature": 1.5, "max_tokens": 12, **way}
    first, again, other = (engine.answer(STORY, seed=seed, **settings) for seed in (7, 7, 9))
    assert first.text == again.text != other.text
    assert first.usage.seed == 7


def test_each_way_says_something_else(engine: Client) -> None:
    asked = [engine.ask(STORY, temperature=1.5, seed=7, max_tokens=12, **way) for way in WAYS]
    assert len({one.end().text for one in asked}) >= len(WAYS) - 2


@pytest.mark.parametrize("way", [{"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}])
def test_with_one_candidate_left_it_is_the_greedy_one(engine: Client, way: dict[str, Any]) -> None:
    greedy = engine.answer(STORY, max_tokens=12).text
    assert engine.answer(STORY, max_tokens=12, temperature=1.0, seed=3, **way).text == greedy


def test_what_takes_the_likeliest_away_changes_the_first_word(engine: Client) -> None:
    first = engine.answer(JAPAN, max_tokens=1).text
    without = engine.answer(
        JAPAN, max_tokens=1, temperature=1.0, seed=1, xtc_probability=1.0, xtc_threshold=0.001, min_p=0.0
    )
    assert without.text != first


def test_a_banned_text_is_not_said(engine: Client) -> None:
    assert engine.answer(JAPAN).text == "The capital of Japan is Tokyo."
    banned = engine.answer(JAPAN, logit_bias={" Tokyo": -100, "Tokyo": -100}, max_tokens=12)
    assert "Tokyo" not in banned.text
    assert banned.text.startswith("The capital of Japan is")


def test_a_token_is_banned_or_forced_by_its_number(engine: Client) -> None:
    scored = engine.answer(JAPAN, max_tokens=1, logprobs=True, top_logprobs=3).scored[0]
    likeliest, second, _ = scored.top
    banned = engine.answer(JAPAN, max_tokens=1, logprobs=True, logit_bias={likeliest.token: -100})
    assert banned.scored[0].chosen.token == second.token
    forced = engine.answer(JAPAN, max_tokens=5, logprobs=True, temperature=1.0, logit_bias={second.token: 100})
    assert [one.chosen.token for one in forced.scored] == [second.token] * 5


def test_a_token_that_the_model_does_not_have_is_an_error_and_the_chat_goes_on(engine: Client) -> None:
    first = engine.answer(JAPAN, chat="bias")
    failed = engine.answer(JAPAN, chat="bias", logit_bias={49152: -1.0})
    assert failed.reason == "failed"
    assert "logit_bias names the token 49152; this model has those from 0 to 49151" in str(failed.last.error)
    assert engine.answer(JAPAN, chat="bias").text == first.text


def test_dry_ends_a_loop(engine: Client) -> None:
    assert engine.answer(LOOP, max_tokens=40).text.endswith("two two two two two two two two")
    assert "two two two two" not in engine.answer(LOOP, max_tokens=40, dry_multiplier=0.8).text


def test_dry_knows_the_prompt_and_its_breakers(engine: Client) -> None:
    fox = "The quick brown fox jumps over the lazy dog."
    assert engine.answer(FOX, max_tokens=12).text.startswith(fox)
    assert not engine.answer(FOX, max_tokens=12, dry_multiplier=0.8).text.startswith(fox)
    assert engine.answer(FOX, max_tokens=12, dry_multiplier=0.8, dry_penalty_window=0).text.startswith(fox)
    broken = engine.answer(FOX, max_tokens=12, dry_multiplier=0.8, dry_sequence_breakers=(" ",))
    assert broken.text.startswith(fox)


PENALTIES: list[dict[str, Any]] = [{"frequency_penalty": 2.0}, {"presence_penalty": 2.0}, {"repetition_penalty": 1.5}]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_makes_words_rare(engine: Client, penalty: dict[str, Any]) -> None:
    looping = engine.answer(LOOP, max_tokens=30).text
    assert engine.answer(LOOP, max_tokens=30, **penalty).text.count(" two") < looping.count(" two") / 2
    assert engine.answer(LOOP, max_tokens=30, penalty_window=0, **penalty).text == looping


def test_penalties_let_a_reply_end(engine: Client) -> None:
    # Every message of the prompt ends with the token that ends the reply; it is not penalized for that.
    asked = engine.answer(JAPAN, frequency_penalty=2.0, presence_penalty=2.0, max_tokens=100)
    assert asked.reason == "stop"


def test_probabilities_add_up_and_the_greedy_token_is_the_likeliest(engine: Client) -> None:
    asked = engine.answer(STORY, max_tokens=20, logprobs=True, top_logprobs=20)
    assert len(asked.scored) == asked.usage.completion_tokens == 20
    for one in asked.scored:
        assert one.top[0] == one.chosen
        assert len(one.top) == 20
        chances = [math.exp(chance.logprob) for chance in one.top]
        assert chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1 + 1e-6


def test_probabilities_are_those_of_the_model_before_any_sampler(engine: Client) -> None:
    plain = engine.answer(JAPAN, max_tokens=1, logprobs=True, top_logprobs=5).scored[0]
    bent = engine.answer(
        JAPAN, max_tokens=1, logprobs=True, top_logprobs=5, temperature=2.0, logit_bias={plain.chosen.token: -100}
    ).scored[0]
    assert [chance.logprob for chance in bent.top] == pytest.approx([chance.logprob for chance in plain.top], abs=1e-3)
    assert bent.chosen.token != plain.chosen.token


def test_scores_come_before_their_text_and_spell_it(engine: Client) -> None:
    asked = engine.answer(user("Write one line with three emojis."), max_tokens=30, logprobs=True)
    assert b"".join(one.chosen.data for one in asked.scored).decode("utf-8", "replace") == asked.text
    scored = told = 0
    for event in asked.events:
        scored += isinstance(event, TokenScored)
        told += event.tokens if isinstance(event, TextDelta) else 0
        assert told <= scored


def test_a_reader_who_is_slow_stops_the_scores_too(engine: Client) -> None:
    asked = engine.ask(STORY, max_tokens=40, logprobs=True, top_logprobs=20, text_limit=2_000)
    engine.answer(JAPAN)
    # The other reply is done; this one, which nobody has read, waits.
    assert asked.outbox.full
    assert not asked.outbox.finished
    assert len(asked.end().scored) == asked.usage.completion_tokens


def test_without_logprobs_nothing_is_scored(engine: Client) -> None:
    events: list[EngineEvent] = engine.answer(JAPAN).events
    assert not any(isinstance(event, TokenScored) for event in events)


LOWEST: dict[str, Any] = {
    "temperature": 1e-4,
    "dynatemp_exponent": 0.0,
    "top_k": 0,
    "top_p": 1e-45,
    "min_p": 0.0,
    "typical_p": 1e-45,
    "top_n_sigma": 1e-45,
    "xtc_probability": 1e-45,
    "xtc_threshold": 0.0,
    "dry_multiplier": 1e-45,
    "dry_base": 1.0,
    "dry_allowed_length": 1,
    "dry_penalty_window": 1,
    "dry_sequence_breakers": ("é", "\N{FAMILY}", "<|im_end|>"),
    "mirostat_tau": 0.0,
    "mirostat_eta": 0.0,
    "repetition_penalty": 0.01,
    "frequency_penalty": -2.0,
    "presence_penalty": -2.0,
    "penalty_window": 1,
    "seed": 0,
}
HIGHEST: dict[str, Any] = {
    "temperature": 2.0,
    "dynatemp_range": 2.0,
    "dynatemp_exponent": 10.0,
    "top_k": 2**31 - 1,
    "min_p": 1.0,
    "top_n_sigma": 1000.0,
    "xtc_probability": 1.0,
    "xtc_threshold": 1.0,
    "dry_multiplier": 100.0,
    "dry_base": 10.0,
    "dry_allowed_length": 2**20,
    "dry_penalty_window": 2**16,
    "dry_sequence_breakers": ("a" * 40,) * 16,
    "mirostat_tau": 100.0,
    "mirostat_eta": 1.0,
    "repetition_penalty": 2.0,
    "frequency_penalty": 2.0,
    "presence_penalty": 2.0,
    "penalty_window": 2**20,
    "logit_bias": dict.fromkeys(range(1024), 100.0),
    "seed": 2**32 - 2,
}


@pytest.mark.parametrize("mirostat", [0, 1, 2])
@pytest.mark.parametrize("limits", [LOWEST, HIGHEST], ids=["lowest", "highest"])
def test_the_limits_themselves_do_no_harm(engine: Client, limits: dict[str, Any], mirostat: int) -> None:
    asked = engine.answer(STORY, max_tokens=3, mirostat=mirostat, **limits)
    assert asked.reason in ("stop", "length"), asked.last


def test_even_a_model_without_any_token_left_to_choose_does_not_die(tmp_path: Path) -> None:
    tiny = open_engine(write_mamba(tmp_path / "tiny.gguf"), n_ctx=64)
    banned = dict.fromkeys(range(tiny.loop.model.n_vocab), -100.0)
    for way in (*WAYS, {"temperature": 0.0}):
        asked = tiny.answer(user("hi"), **{"temperature": 1.0, "max_tokens": 2, "logit_bias": banned, **way})
        assert asked.reason in ("stop", "length"), asked.last
    tiny.close()
