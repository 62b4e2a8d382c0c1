"""What would end the process of an engine, or hang it: an error event, and the next prompt is answered.

Everything goes through a real worker process with a real model.
"""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from tests.e2e import damage
from tests.engines.conftest import answer
from tests.stubs import impatient

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
