"""What tests of the whole program share."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.chatting import Start
from tests.e2e.terminal import Terminal


@pytest.fixture
def start(smollm2: Path) -> Iterator[Start]:
    """Start the interface on the real model; every terminal is closed after the test."""
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.parent.mkdir(parents=True)
    settings.write_text("temperature = 0\nmax_tokens = 150\n", encoding="utf-8")
    terminals = []

    def begin(
        *arguments: str, rows: int = 36, columns: int = 120, environment: Mapping[str, str] | None = None
    ) -> Terminal:
        arguments = arguments or ("--threads", "1", "-m", str(smollm2))
        terminal = Terminal.mistral_tui(*arguments, rows=rows, columns=columns, environment=environment)
        terminals.append(terminal)
        terminal.wait_for("Ask anything")
        return terminal

    yield begin
    for terminal in terminals:
        terminal.close()
