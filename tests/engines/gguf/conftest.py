from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.gguf.adapters import Adapters
from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.loading import load
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.placement import Placement
from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from mistral_tui.engines.gguf.scheduling.threads import ThreadGovernor
from mistral_tui.engines.gguf.text.prompt import PromptWriter
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.models import LoadedModel, LoadOptions
from tests.engines.gguf.client import Client


def open_engine(path: Path, **options: Any) -> Client:
    settings = LoadOptions(**{"threads": 1, "spill_mb": 0, **options})
    return Client(load(str(path), "SmolLM2", settings, lambda progress: None, lambda: False))


def open_scheduler(
    path: Path, n_ctx: int, sequences: int, *, cells: int = 0, swa_full: bool = True, template: str = ""
) -> Scheduler:
    """Return an engine whose sequences share the cells of one chat, unless there are to be more."""
    model = Model(str(path), path.stem, Placement(), False, lambda fraction: None, lambda: False)
    context = Context(model, cells or n_ctx, sequences, 1, swa_full=swa_full)
    loaded = LoadedModel(path.stem, str(path), model.architecture, n_ctx, n_ctx, model.vocabulary.size, 1, "test")
    writer = PromptWriter(ChatTemplate(template or model.chat_template or ""), model.vocabulary, n_ctx)
    return Scheduler(loaded, model, context, sequences, writer, ThreadGovernor(1), Adapters(model, context.handle, ()))


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Client]:
    """Return SmolLM2 with room for three chats of 1,024 tokens."""
    client = open_engine(smollm2, n_ctx=1024, max_seqs=3)
    yield client
    client.close()
