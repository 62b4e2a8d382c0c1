"""A small model guesses, the large one decides: what is said stays the same."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.jobs.quantization import Quantization, quantize
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import TokenScored
from mistral_tui.types.requests import Grammar
from tests.engines.gguf.client import Asked, Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_mamba import write_mamba

pytestmark = pytest.mark.core

COUNT = user("Count from one to twenty.")
SEA = user("What is the sea?")

SCORED: dict[str, Any] = {"logprobs": True, "top_logprobs": 5}
NEAR = 0.3
"""Tokens with log-probabilities as close as this may change places: it depends on where they lie in the KV cache."""


def same(plain: Asked, guessed: Asked) -> bool:
    """Return whether two replies are the same up to the first token that was nearly as likely as another."""
    for one, other in zip(scores(plain), scores(guessed), strict=False):
        if one.chosen.token != other.chosen.token:
            rivals = {chance.token: chance.logprob for chance in one.top}
            return rivals.get(other.chosen.token, -100) > one.chosen.logprob - NEAR
    return len(scores(plain)) == len(scores(guessed))


def scores(asked: Asked) -> list[TokenScored]:
    return [event for event in asked.events if isinstance(event, TokenScored)]


@pytest.fixture(scope="module")
def coarse(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return SmolLM2 with few bits: it guesses right often, and wrong sometimes."""
    path = tmp_path_factory.mktemp("models") / "coarse.gguf"
    work = Quantization(smollm2, path, "Q3_K_S", requantize=True, threads=2)
    return asyncio.run(quantize(work, lambda progress: None))


@pytest.fixture(scope="module")
def alone(smollm2: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=512, max_seqs=2)
    yield client
    client.close()


@pytest.fixture(scope="module")
def helped(smollm2: Path, coarse: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=512, max_seqs=2, draft=str(coarse), gamma=4)
    yield client
    client.close()


def test_a_reply_is_the_same_with_right_and_wrong_guesses(alone: Client, helped: Client) -> None:
    for question in (COUNT, SEA):
        plain, guessed = (client.answer(question, max_tokens=32, **SCORED) for client in (alone, helped))
        assert same(plain, guessed)
        assert guessed.told_tokens == guessed.usage.completion_tokens


def test_guesses_are_counted(smollm2: Path, coarse: Path) -> None:
    client = open_engine(smollm2, n_ctx=256, max_seqs=1, draft=str(coarse), gamma=4)
    usage = client.answer(COUNT, max_tokens=24).usage
    assert 0 < usage.accepted_tokens <= usage.drafted_tokens
    client.close()


def test_a_model_that_guesses_for_itself_is_right(smollm2: Path) -> None:
    client = open_engine(smollm2, n_ctx=256, max_seqs=1, draft=str(smollm2), gamma=4)
    usage = client.answer(COUNT, max_tokens=24).usage
    assert usage.accepted_tokens >= 0.8 * usage.drafted_tokens > 0
    client.close()


def test_the_next_turn_goes_on_from_what_was_kept(alone: Client, helped: Client) -> None:
    replies = []
    for client in (alone, helped):
        client.answer(COUNT, chat="turns", max_tokens=24)
        turns = (COUNT, assistant("One, two, three."), user("Go on."))
        replies.append(client.answer(*turns, chat="turns", max_tokens=16, **SCORED))
        assert replies[-1].usage.cached_tokens >= 24
    assert same(*replies)


def test_limits_hold_to_the_token(helped: Client) -> None:
    for limit in (1, 2, 3, 7):
        asked = helped.answer(COUNT, max_tokens=limit)
        assert (asked.reason, asked.usage.completion_tokens) == ("length", limit)
    full = helped.answer(user("Tell me a very long story."), ignore_eos=True)
    assert (full.reason, full.usage.context_tokens) == ("context", 512)
    stopped = helped.answer(COUNT, stop=("five",), max_tokens=60)
    assert "five" not in stopped.text


def test_a_grammar_holds(helped: Client) -> None:
    asked = helped.answer(COUNT, grammar=Grammar("regex", "[0-9]{3}-[a-f]{5}"))
    assert asked.reason == "stop", asked.last.error
    assert len(asked.text) == 9


def test_two_chats_are_guessed_for_at_once(alone: Client, helped: Client) -> None:
    wanted = [alone.answer(question, max_tokens=8, **SCORED) for question in (COUNT, SEA)]
    asked = [helped.ask(question, max_tokens=8, **SCORED) for question in (COUNT, SEA)]
    assert all(same(one, other.end()) for one, other in zip(wanted, asked, strict=True))


def test_a_reply_is_cancelled_in_the_middle(helped: Client) -> None:
    asked = helped.ask(user("Tell me a very long story."), ignore_eos=True).until(lambda asked: len(asked.text) > 20)
    helped.loop.cancel(asked.request.id)
    assert asked.end().reason == "cancelled"
    assert helped.answer(COUNT, max_tokens=4).reason == "length"


def test_a_draft_model_with_another_vocabulary_is_refused(smollm2: Path, gemma: Path) -> None:
    with pytest.raises(InvalidRequest, match="another vocabulary"):
        open_engine(smollm2, n_ctx=256, max_seqs=1, draft=str(gemma))


def test_a_model_that_cannot_go_back_takes_no_guesses(tmp_path: Path) -> None:
    path = write_mamba(tmp_path / "mamba.gguf")
    with pytest.raises(InvalidRequest, match="cannot take back"):
        open_engine(path, n_ctx=256, max_seqs=1, draft=str(path))
