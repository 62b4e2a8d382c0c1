from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.engines.gguf.loading import load
from mistral_tui.types.models import LoadOptions
from tests.engines.gguf.client import Client


def open_engine(path: Path, **options: Any) -> Client:
    settings = LoadOptions(**{"threads": 1, **options})
    return Client(load(str(path), "SmolLM2", settings, lambda progress: None, lambda: False))


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Client]:
    """Return SmolLM2 with room for three chats of 1,024 tokens."""
    client = open_engine(smollm2, n_ctx=1024, max_seqs=3)
    yield client
    client.close()
