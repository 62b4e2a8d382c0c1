"""A model whose layers are spread over RPC workers, as real processes on this machine."""

import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.models.gguf_header import read_header
from mistral_tui.models.memory_fit import estimate
from mistral_tui.types.errors import EngineError
from mistral_tui.types.events import Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.engines.conftest import answer, logs
from tests.engines.gguf.tiny_experts import LAYERS, write_experts
from tests.stubs import impatient
from tests.stubs.rpc import closed_port, rpc_worker

pytestmark = pytest.mark.core
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EnginePool]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MISTRAL_TUI_DEBUG", "1")
    monkeypatch.chdir(tmp_path)
    pool = EnginePool(tmp_path / "logs", impatient.LOADER)
    yield pool
    await pool.close()


def entry(path: Path) -> ModelEntry:
    return ModelEntry(path.stem, path, "gguf", path.stat().st_size, downloaded=True)


def options(**values: Any) -> LoadOptions:
    return LoadOptions(**{"n_ctx": 512, "max_seqs": 1, "threads": 1, **values})


def question(text: str, max_tokens: int = 16) -> GenerateRequest:
    return GenerateRequest((Message("user", (TextPart(text),)),), SamplingParams(0.0, max_tokens=max_tokens), "chat")


def buffers(folder: Path, kind: str) -> dict[str, float]:
    """Return the sizes in MiB of llama.cpp's buffers of a kind, by device."""
    found = re.findall(rf"(\S+) {kind} buffer size = +(\S+) MiB", logs(folder))
    return {name: float(size) for name, size in found}


async def test_two_workers_share_the_layers_and_the_text_is_the_same(
    pool: EnginePool, smollm2: Path, tmp_path: Path
) -> None:
    local = await pool.acquire(entry(smollm2), options())
    expected, _ = await answer(local, question("Count from one to ten in words."))
    with rpc_worker() as (first, _), rpc_worker() as (second, _):
        spread = await pool.acquire(entry(smollm2), options(rpc=(first, second)))
        assert spread.model.device == f"RPC {first}, RPC {second}"
        text, end = await answer(spread, question("Count from one to ten in words."))
        assert (text, end.reason) == (expected, "length")
        await pool.close()
    for kind in ("model", "KV"):
        sizes = buffers(tmp_path / "logs", kind)
        one, other = sizes[f"RPC0[{first}]"], sizes[f"RPC0[{second}]"]
        assert one == pytest.approx(other, rel=0.5)


async def test_layers_go_where_they_are_told_to(pool: EnginePool, smollm2: Path, tmp_path: Path) -> None:
    with rpc_worker() as (first, _), rpc_worker() as (second, _):
        engine = await pool.acquire(entry(smollm2), options(rpc=(first, second), device_layers=((1, 12),)))
        assert engine.model.device == f"RPC {second}"
        await pool.close()
    assert logs(tmp_path / "logs").count("assigned to device RPC1") == 12
    assert "assigned to device RPC0" not in logs(tmp_path / "logs")


@pytest.mark.parametrize("stay", [0, 1, -1])
async def test_experts_stay_on_the_cpu(pool: EnginePool, tmp_path: Path, stay: int) -> None:
    with rpc_worker() as (address, _):
        mixture = entry(write_experts(tmp_path / "tiny.gguf"))
        how = options(rpc=(address,), cpu_moe=stay)
        await pool.acquire(mixture, how)
        await pool.close()
    layers = range(LAYERS if stay < 0 else stay)
    log = logs(tmp_path / "logs")
    stayed = re.findall(r"tensor blk\.(\d)\.ffn_\w+_exps\.weight .* buffer type overridden to CPU", log)
    assert stayed == [str(layer) for layer in layers for _ in ("gate", "up", "down")]
    away = estimate(read_header(mixture.path), 0, how).on_devices
    assert buffers(tmp_path / "logs", "model")[f"RPC0[{address}]"] == pytest.approx(away / 2**20, abs=0.02)


async def test_a_worker_that_is_not_there_is_an_error(pool: EnginePool, smollm2: Path) -> None:
    address = closed_port()
    with pytest.raises(EngineError, match=f"no RPC worker listens at {address}"):
        await pool.acquire(entry(smollm2), options(rpc=(address,)))


async def in_mid_reply(engine: Engine, act: Callable[[], None]) -> Finished:
    """Begin a long reply, do something to it, and return how it ends."""
    acted = False
    async for event in engine.generate(question("Tell me a long story.", max_tokens=400)):
        if isinstance(event, TextDelta) and not acted:
            acted = True
            act()
        if isinstance(event, Finished):
            return event
    raise AssertionError("it did not end")


async def test_a_worker_that_dies_in_mid_reply_is_named_and_the_next_prompt_says_what_to_do(
    pool: EnginePool, smollm2: Path
) -> None:
    with rpc_worker() as (first, _), rpc_worker() as (second, process):
        engine = await pool.acquire(entry(smollm2), options(rpc=(first, second)))
        end = await in_mid_reply(engine, process.kill)
        assert end.reason == "failed"
        assert f"gave up: the RPC worker {second} is gone" in (end.error or "")
        assert end.usage.completion_tokens > 0
        _, end = await answer(engine, question("Hello"))
        assert f"no RPC worker listens at {second}" in (end.error or "")


@pytest.mark.skipif(os.name == "nt", reason="signals, and Windows shows no sockets of others")
async def test_a_worker_that_stops_in_mid_reply_is_given_up(pool: EnginePool, smollm2: Path) -> None:
    with rpc_worker() as (first, _), rpc_worker() as (second, process):
        engine = await pool.acquire(entry(smollm2), options(rpc=(first, second)))
        end = await in_mid_reply(engine, lambda: process.send_signal(signal.SIGSTOP))
        assert end.reason == "failed"
        assert f"the RPC worker {second} does not answer any more" in (end.error or "")
