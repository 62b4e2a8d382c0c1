"""What would end the process of an engine, or hang it: an error event, and the next prompt is answered.

Everything goes through a real worker process with a real model.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import Adapter, LoadOptions, ModelEntry
from mistral_tui.types.requests import GenerateRequest, Grammar, SamplingParams, ToolSpec
from tests.e2e import damage
from tests.engines.conftest import answer
from tests.stubs import impatient
from tests.stubs.lora import write_lora
from tests.stubs.projectors import eyes
from tests.stubs.rpc import listening, silence

pytestmark = pytest.mark.core
ROOT = Path(__file__).parents[2]
OPTIONS = LoadOptions(n_ctx=256, max_seqs=2, threads=1)


@pytest.fixture
async def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EnginePool]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pool = EnginePool(tmp_path / "logs", impatient.LOADER)
    yield pool
    await pool.close()


async def loaded(pool: EnginePool, path: Path, options: LoadOptions = OPTIONS) -> SupervisedEngine:
    engine = await pool.acquire(entry(path), options)
    assert isinstance(engine, SupervisedEngine)
    return engine


def entry(path: Path) -> ModelEntry:
    return ModelEntry(path.stem, path, "gguf", path.stat().st_size, downloaded=True)


def request(*texts: str, max_tokens: int = 2, **fields: Any) -> GenerateRequest:
    """Return a request of so many messages of a person."""
    messages = tuple(Message("user", (TextPart(text),)) for text in texts or ("Hi",))
    fields.setdefault("sampling", SamplingParams(temperature=0, max_tokens=max_tokens))
    return GenerateRequest(**{"messages": messages, **fields})


async def fails(engine: SupervisedEngine, asked: GenerateRequest, says: str) -> None:
    """Assert that a request fails with one line that says this."""
    _, end = await answer(engine, asked)
    assert end.reason == "failed"
    assert end.error is not None
    assert says in end.error
    assert "\n" not in end.error


async def answers(engine: SupervisedEngine) -> None:
    """Assert that the next prompt is answered."""
    text, end = await answer(engine, request("What is the capital of Japan?", max_tokens=12))
    assert "Tokyo" in text, end


@pytest.mark.skipif(sys.platform == "win32", reason="there a file in use cannot be cut")
async def test_a_file_that_is_cut_while_it_is_mapped(pool: EnginePool, smollm2: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(smollm2, tmp_path / "cut.gguf"))
    engine = await loaded(pool, model)
    os.truncate(model, 2**20)
    await fails(engine, request(), "SIGBUS")
    await fails(engine, request(), "cut.gguf")  # it cannot be loaded again as it is
    shutil.copy(smollm2, model)
    await answers(engine)


@pytest.mark.parametrize(
    "change", [damage.absurd_layers, damage.absurd_counts, damage.truncated_header, damage.truncated_tensors]
)
async def test_a_file_that_lies(pool: EnginePool, smollm2: Path, tmp_path: Path, change: Any) -> None:
    with pytest.raises(MistralTuiError, match=change.__name__):
        await loaded(pool, damage.damaged(smollm2, change, tmp_path))


async def test_a_load_that_can_only_fail_leaves_the_other_models_alone(
    pool: EnginePool, smollm2: Path, tmp_path: Path
) -> None:
    engine = await loaded(pool, smollm2)
    lora = write_lora(tmp_path / "qwen.gguf", architecture="qwen2")
    projector = eyes(640).write(tmp_path / "mmproj.gguf")
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    cases: Sequence[tuple[dict[str, Any], str]] = (
        ({"n_ctx": 10**9, "force": True}, "not even --force helps"),
        ({"adapters": (Adapter(str(lora)),)}, "qwen"),
        ({"mmproj": str(projector)}, "another model"),
        ({"mmproj": str(smollm2)}, "no projector"),
        ({"chat_template": "{% for"}, "template"),
        ({"rpc": ("127.0.0.1:1",)}, "127.0.0.1:1"),
    )
    for options, says in cases:
        with pytest.raises(MistralTuiError, match=says):
            await loaded(pool, smollm2, msgspec.structs.replace(OPTIONS, **options))
    with listening(silence) as mute, pytest.raises(MistralTuiError, match=mute):
        await loaded(pool, smollm2, msgspec.structs.replace(OPTIONS, rpc=(mute,)))
    template = "{% if 'loop' in messages[-1].content %}" + loop + "{% endif %}{{ raise_exception('no') }}"
    other = await loaded(pool, smollm2, msgspec.structs.replace(OPTIONS, chat_template=template))
    await fails(other, request("loop"), "template")
    await fails(other, request(), "no")
    await answers(engine)


async def test_grammars(pool: EnginePool, smollm2: Path) -> None:
    with pytest.raises(InvalidRequest, match="10,000,000 characters"):
        Grammar("gbnf", "x" * 10_000_000)
    engine = await loaded(pool, smollm2)
    worker = engine.worker_pid
    for text in ("root ::= (", "root ::= root", "root ::= nothing", "\0"):
        await fails(engine, request(grammar=Grammar("gbnf", text)), "")
    long = Grammar("json_schema", json.dumps({"type": "string", "maxLength": 100_000}))
    assert (await answer(engine, request(grammar=long)))[1].reason == "length"
    await answer(engine, request(grammar=Grammar("json_schema", '{"type": "string", "minLength": 999999999}')))
    # What the grammar forbids is wished for with all might.
    wish = SamplingParams(temperature=0, max_tokens=4, logit_bias={"z": 100, "zz": 100})
    text, _ = await answer(engine, request(grammar=Grammar("regex", "[ab]{3}"), sampling=wish))
    assert set(text) <= set("ab")
    await answers(engine)
    assert engine.worker_pid == worker


async def test_requests_of_somebody_hostile(pool: EnginePool, smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_TUI_CACHE_DIR", str(smollm2))  # a file: no folder for the KV cache can be made
    engine = await loaded(pool, smollm2)
    worker = engine.worker_pid
    nested: dict[str, Any] = {}
    for _ in range(50_000):
        nested = {"a": nested}
    many = tuple(ToolSpec(f"tool{number}") for number in range(10_000))
    role: Any = "wizard"
    number: Any = 5
    key: Any = {1: 2}
    for asked, says in (
        (request("word " * 300_000), "tokens"),
        (request("word " * 1_900_000), "MB"),
        (request("\ud800"), "surrogates"),
        (request(chat_id="\ud800"), "surrogates"),
        (request(id="\ud800"), "surrogates"),
        (request(tools=many), "tokens"),
        (request(tools=many, tool_choice="required"), "the grammar has"),
        (request(template_arguments=nested), "recursion"),
        (request(template_arguments=key), "cannot send"),
        (request(template_arguments={"a": 2**70}), "cannot send"),
        (request(messages=(Message(role, (TextPart("x"),)),)), "cannot send"),
        (request(chat_id=number), "cannot send"),
        (request(messages=()), "no message"),
        (request(adapters=(Adapter("/nowhere"),)), "/nowhere"),
    ):
        await fails(engine, asked, says)
    ends = [Message("user", (TextPart("Hi"),)), Message("assistant", (TextPart("Hello"),))]
    for asked in (
        request(*("x",) * 10_000),
        request(chat_id="x" * 1_000_000),
        request(chat_id="../../../x\0"),
        request(id="x" * 1_000_000),
        request(messages=tuple(ends)),
        request(messages=(Message("user", ()),)),
        request(""),
        request(sampling=SamplingParams(max_tokens=2, stop=tuple(f"{index} stop" for index in range(256)))),
    ):
        _, end = await answer(engine, asked)
        assert end.reason in ("length", "stop"), end
    await engine.cancel("nobody")
    await engine.forget("../../../x\0")
    await answers(engine)
    assert engine.worker_pid == worker


async def test_use_after_the_end(pool: EnginePool, smollm2: Path) -> None:
    engine = await loaded(pool, smollm2)
    running = asyncio.ensure_future(answer(engine, request("Tell me a story.", max_tokens=200)))
    await asyncio.sleep(0)
    await engine.close()
    assert (await running)[1].reason in ("failed", "cancelled")
    await answers(engine)
    await pool.close()
    with pytest.raises(MistralTuiError, match="ending"):
        await loaded(pool, smollm2, LoadOptions(n_ctx=128))


async def test_contexts_as_small_as_can_be(pool: EnginePool, smollm2: Path) -> None:
    engine = await loaded(pool, smollm2, LoadOptions(n_ctx=1, max_seqs=256, threads=1))
    await fails(engine, request(), "context")


async def test_one_id_twice_and_hundreds_at_once(pool: EnginePool, smollm2: Path) -> None:
    # The batch is as small as can be, and the prompts are longer.
    engine = await loaded(pool, smollm2, LoadOptions(n_ctx=96, max_seqs=64, threads=1, batch_tokens=32))
    worker = engine.worker_pid
    same = request("Tell me a story.", max_tokens=8)
    ends = [end for _, end in await asyncio.gather(*(answer(engine, same) for _ in range(3)))]
    assert sorted(end.reason for end in ends) == ["failed", "failed", "length"]
    assert all("same id" in end.error for end in ends if end.error is not None)
    crowd = [request(f"Hi {index}", max_tokens=1, chat_id=f"{index % 50}") for index in range(300)]
    replies = asyncio.gather(*(answer(engine, one) for one in crowd))
    await asyncio.gather(*(engine.forget(one.chat_id) for one in crowd))
    await asyncio.gather(*(engine.cancel(one.id) for one in crowd[40:]))
    reasons = [end.reason for _, end in await replies]
    assert set(reasons[:40]) == {"length"}
    assert set(reasons) <= {"length", "stop", "cancelled"}
    await answers(engine)
    assert engine.worker_pid == worker
