"""Workers that run a scripted engine: real processes, no model."""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.events import EngineEvent, Finished, TextDelta
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.requests import GenerateRequest
from tests.stubs import loops

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scripted_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers find `tests.stubs`, and accept a model file that is none."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("mistral_tui.engines.pool.check_content", lambda *args: 1)


@pytest.fixture
async def pool(scripted_workers: None, tmp_path: Path) -> AsyncIterator[EnginePool]:
    pool = EnginePool(tmp_path / "logs", loops.LOADER)
    yield pool
    await pool.close()


@pytest.fixture
def entry(tmp_path: Path) -> ModelEntry:
    path = tmp_path / "scripted.gguf"
    path.write_bytes(b"GGUF")
    return ModelEntry("scripted", path, "gguf", 4, downloaded=True)


def prompt(script: str, chat_id: str = "chat") -> GenerateRequest:
    return GenerateRequest((Message("user", (TextPart(script),)),), chat_id=chat_id)


async def answer(engine: Engine, request: GenerateRequest) -> tuple[str, Finished]:
    """Return the text and the end of a reply."""
    text, end = "", None
    async for event in engine.generate(request):
        assert end is None, "something came after the end"
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, Finished):
            end = event
    assert end is not None
    return text, end


async def first_text(events: AsyncGenerator[EngineEvent, None]) -> str:
    async for event in events:
        if isinstance(event, TextDelta):
            return event.text
    raise AssertionError("no text came")


def logs(folder: Path, names: str = "worker-*.log") -> str:
    """Return what all workers have logged."""
    return "".join(path.read_text() for path in sorted(folder.glob(names)))
