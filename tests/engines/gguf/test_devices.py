"""Devices, the KV cache's type, flash attention, the batch: each option is one that the model is loaded with."""

from pathlib import Path
from typing import Any, get_args

import pytest

from mistral_tui.engines.gguf.library import log
from mistral_tui.models.gguf_header import read_header
from mistral_tui.models.memory_fit import estimate
from mistral_tui.types.choices import KvType
from mistral_tui.types.errors import InvalidRequest, ModelError
from mistral_tui.types.models import LoadOptions
from tests.engines.gguf.client import user
from tests.engines.gguf.conftest import open_engine
from tests.engines.gguf.tiny_experts import write_experts

pytestmark = pytest.mark.core

JAPAN = user("What is the capital of Japan?")


def answer_and_log(path: Path, **options: Any) -> tuple[str, list[str]]:
    """Return what the model answers when it is loaded so, and what llama.cpp said while it was loaded."""
    client = open_engine(path, **{"n_ctx": 512, "max_seqs": 1, **options})
    try:
        lines = list(log().lines)
        return client.answer(JAPAN, max_tokens=8).text, lines
    finally:
        client.close()


def said(lines: list[str], what: str) -> str:
    """Return the end of the line in which llama.cpp speaks of this."""
    return next(line.rpartition("=")[2].strip() for line in lines if what in line)


def megabytes(lines: list[str], what: str) -> float:
    """Return a size that llama.cpp gives in MiB, in bytes."""
    return sum(float(line.rpartition("=")[2].removesuffix(" MiB")) for line in lines if what in line) * 2**20


@pytest.mark.parametrize("kv_type", get_args(KvType))
def test_the_kv_cache_has_the_type_that_was_asked_for(smollm2: Path, kv_type: KvType) -> None:
    text, lines = answer_and_log(smollm2, kv_type=kv_type)
    assert "Tokyo" in text
    assert any(f"K ({kv_type})" in line and f"V ({kv_type})" in line for line in lines)
    # A quantized V cache cannot be had without it.
    assert said(lines, "flash_attn ") == ("enabled" if kv_type[0] == "q" else "disabled")


@pytest.mark.parametrize(("wanted", "state"), [("on", "enabled"), ("off", "disabled"), ("auto", "disabled")])
def test_flash_attention_is_what_was_asked_for_and_off_on_a_cpu(smollm2: Path, wanted: str, state: str) -> None:
    text, lines = answer_and_log(smollm2, flash_attention=wanted)
    assert "Tokyo" in text
    assert said(lines, "flash_attn ") == state


def test_the_batch_is_as_large_as_was_asked_for(smollm2: Path) -> None:
    text, lines = answer_and_log(smollm2, batch_tokens=32)
    assert "Tokyo" in text
    assert said(lines, "n_batch ") == said(lines, "n_ubatch ") == "32"


def test_a_batch_has_room_for_a_token_of_every_chat(smollm2: Path) -> None:
    client = open_engine(smollm2, n_ctx=128, max_seqs=40, batch_tokens=32)
    asked = [client.ask(JAPAN, max_tokens=3, chat=str(number)) for number in range(40)]
    assert {one.end().reason for one in asked} == {"length"}
    client.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kv_type": "f32"},
        {"kv_type": "q8_0"},
        {"kv_type": "q4_1", "batch_tokens": 64},
        {"flash_attention": "on"},
        {"batch_tokens": 1024},
    ],
)
def test_the_estimate_is_what_llama_cpp_reserves(smollm2: Path, options: dict[str, Any]) -> None:
    _, lines = answer_and_log(smollm2, n_ctx=4096, **options)
    needed = estimate(read_header(smollm2), 4096, LoadOptions(max_seqs=1, **options))
    assert needed.kv_cache == pytest.approx(megabytes(lines, "KV buffer size"), rel=0.001)
    reserved = megabytes(lines, "compute buffer size")
    assert reserved * 0.98 <= needed.compute <= reserved * 1.2


def test_an_accelerator_that_is_not_there_is_an_error(smollm2: Path) -> None:
    with pytest.raises(InvalidRequest, match="there is no accelerator 3 for layers; this machine"):
        open_engine(smollm2, device_layers=((3, 5),))
    with pytest.raises(InvalidRequest, match="the tensor split names 2 accelerators; this machine"):
        open_engine(smollm2, tensor_split=(3, 1))


def test_layers_for_no_accelerator_stay_on_the_cpu_and_that_is_said(smollm2: Path) -> None:
    client = open_engine(smollm2, n_ctx=256, max_seqs=1, n_gpu_layers=5)
    assert client.loop.model.device == "CPU"
    assert "all layers stay on the CPU" in client.loop.model.notices[0]
    client.close()


def test_a_kv_type_that_does_not_suit_the_heads_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot have a KV cache of type q8_0"):
        open_engine(write_experts(tmp_path / "tiny.gguf"), n_ctx=256, kv_type="q8_0")
