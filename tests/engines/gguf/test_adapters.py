"""LoRAs over a real model: at load, swapped for each reply, several at once, with scales."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.types.errors import BadModelFile, InvalidRequest
from mistral_tui.types.events import TokenScored
from mistral_tui.types.models import Adapter
from tests.engines.gguf.client import Asked, Client, assistant, user
from tests.engines.gguf.conftest import open_engine
from tests.stubs.lora import write_lora

pytestmark = pytest.mark.core

QUESTION = user("Tell me about the sea.")


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("loras")
    return write_lora(folder / "one.gguf", seed=1), write_lora(folder / "two.gguf", seed=2)


@pytest.fixture(scope="module")
def plain(smollm2: Path) -> Iterator[Client]:
    client = open_engine(smollm2, n_ctx=512, max_seqs=4)
    yield client
    client.close()


def say(client: Client, *adapters: Adapter, chat: str = "") -> str:
    return client.answer(QUESTION, chat=chat, adapters=adapters, max_tokens=16).text


def begin(client: Client, adapters: tuple[Adapter, ...]) -> Asked:
    return client.ask(QUESTION, adapters=adapters, max_tokens=16, logprobs=True, top_logprobs=5)


def first_chances(asked: Asked) -> dict[int, float]:
    """Return the likeliest first tokens."""
    scored = next(event for event in asked.events if isinstance(event, TokenScored))
    return {chance.token: chance.logprob for chance in scored.top}


def alike(one: dict[int, float], other: dict[int, float]) -> bool:
    """Return whether two computations agree, but for what the places in the KV cache do to the last digits.

    The texts need not be equal then: with random weights some choices are close.
    """
    shared = one.keys() & other.keys()
    return len(shared) >= 4 and all(abs(one[token] - other[token]) < 0.3 for token in shared)


def chances(client: Client, *adapters: Adapter) -> dict[int, float]:
    return first_chances(begin(client, adapters).end())


def test_a_lora_changes_what_a_model_says(plain: Client, loras: tuple[Path, Path]) -> None:
    one, two = (Adapter(str(path)) for path in loras)
    replies = {
        say(plain),
        say(plain, one),
        say(plain, two),
        say(plain, one, two),
        say(plain, Adapter(one.path, 0.5)),
        say(plain, Adapter(one.path, -1)),
    }
    assert len(replies) == 6


def test_a_scale_of_zero_and_no_lora_are_the_same(plain: Client, loras: tuple[Path, Path]) -> None:
    assert alike(chances(plain, Adapter(str(loras[0]), 0)), chances(plain))
    assert not alike(chances(plain, Adapter(str(loras[0]))), chances(plain))


def test_the_order_of_loras_does_not_matter(plain: Client, loras: tuple[Path, Path]) -> None:
    one, two = (Adapter(str(path)) for path in loras)
    assert alike(chances(plain, one, two), chances(plain, two, one))


def test_loras_given_at_load_count_unless_a_request_names_others(smollm2: Path, loras: tuple[Path, Path]) -> None:
    one, two = (Adapter(str(path)) for path in loras)
    client = open_engine(smollm2, n_ctx=256, max_seqs=1, adapters=(one,))
    usual = first_chances(client.answer(QUESTION, max_tokens=1, logprobs=True, top_logprobs=5))
    assert alike(usual, chances(client, one))
    assert not alike(usual, chances(client, two))
    assert not alike(usual, chances(client))
    client.close()


def test_a_chat_that_changes_its_loras_computes_its_prompt_anew(plain: Client, loras: tuple[Path, Path]) -> None:
    one = Adapter(str(loras[0]))
    first = plain.answer(QUESTION, chat="swap", max_tokens=8)
    turns = (QUESTION, assistant(first.text), user("Go on."))
    scored: dict[str, Any] = {"adapters": (one,), "max_tokens": 8, "logprobs": True, "top_logprobs": 5}
    swapped = plain.answer(*turns, chat="swap", **scored)
    assert swapped.usage.cached_tokens == 0
    assert alike(first_chances(swapped), first_chances(plain.answer(*turns, **scored)))
    again = plain.answer(*turns, assistant(swapped.text), user("And?"), chat="swap", adapters=(one,), max_tokens=8)
    assert again.usage.cached_tokens > 0


def test_chats_with_different_loras_are_answered_at_once(plain: Client, loras: tuple[Path, Path]) -> None:
    one, two = (Adapter(str(path)) for path in loras)
    wanted: list[tuple[Adapter, ...]] = [(), (one,), (two,), (one, two)]
    alone = [chances(plain, *adapters) for adapters in wanted]
    together = [first_chances(asked.end()) for asked in [begin(plain, adapters) for adapters in wanted]]
    assert all(alike(mine, others) for mine, others in zip(together, alone, strict=True))
    assert len({frozenset(chances) for chances in alone}) == len(wanted)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"architecture": "gemma3"}, "it is a LoRA for gemma3 models, and this is a llama model"),
        ({"kind": "model"}, "it is no adapter"),
        ({"width": 640}, "choose one that was made for this model"),
        ({"other_rank": 8}, "the halves of blk.0.attn_q.weight do not fit together"),
    ],
)
def test_a_lora_that_does_not_fit_is_an_error(
    plain: Client, tmp_path: Path, changes: dict[str, str | int], complaint: str
) -> None:
    path = write_lora(tmp_path / "wrong.gguf", **changes)  # type: ignore[arg-type]  # one of several keywords
    asked = plain.answer(QUESTION, adapters=(Adapter(str(path)),))
    assert asked.reason == "failed"
    assert complaint in (asked.last.error or "")
    assert say(plain)


def test_a_damaged_lora_is_an_error(plain: Client, tmp_path: Path, loras: tuple[Path, Path]) -> None:
    whole = loras[0].read_bytes()
    contents = {
        "cut.gguf": whole[: len(whole) // 2],
        "head.gguf": whole[:100],
        "letter.gguf": b"Dear all",
        "no.gguf": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in (*contents, "missing.gguf", ".", "a\0b"):
        asked = plain.answer(QUESTION, adapters=(Adapter(str(tmp_path / name)),))
        assert asked.reason == "failed", name
        assert asked.last.error, name
    assert say(plain)


def test_a_model_is_not_loaded_with_a_lora_that_does_not_fit(smollm2: Path, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "wrong.gguf", architecture="qwen2")
    with pytest.raises(BadModelFile, match="LoRA for qwen2 models"):
        open_engine(smollm2, n_ctx=256, max_seqs=1, adapters=(Adapter(str(path)),))


def test_too_many_loras_or_one_twice_are_refused(plain: Client, loras: tuple[Path, Path]) -> None:
    one = Adapter(str(loras[0]))
    asked = plain.answer(QUESTION, adapters=(one, one))
    assert "named twice" in (asked.last.error or "")
    many = tuple(Adapter(f"{number}.gguf") for number in range(17))
    asked = plain.answer(QUESTION, adapters=many)
    assert "at most 16" in (asked.last.error or "")


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 1e9])
def test_a_scale_that_makes_no_sense_is_refused(scale: float) -> None:
    with pytest.raises(InvalidRequest, match="scale"):
        Adapter("x.gguf", scale)


def test_a_lora_that_was_replaced_is_not_taken_for_the_old_one(smollm2: Path, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "lora.gguf", seed=1)
    client = open_engine(smollm2, n_ctx=256, max_seqs=1)
    assert say(client, Adapter(str(path)))
    path.unlink()
    write_lora(path, seed=2)
    asked = client.answer(QUESTION, adapters=(Adapter(str(path)),))
    assert "has changed since it was loaded" in (asked.last.error or "")
    client.close()
