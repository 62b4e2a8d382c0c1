"""Two panes with a real model in a real pseudo-terminal: both answer, and both are there in the next run."""

import os
import sys
from pathlib import Path

import pytest

from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message
from tests.e2e.program import database
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]


def replies() -> list[Message]:
    """Return the complete replies of all sessions, those of the latest first."""
    store = Store(database())
    try:
        sessions = store.sessions(limit=10)
        messages = [message for session in sessions for message in store.messages(session.id)]
        return [message for message in messages if message.role == "assistant" and message.finish]
    finally:
        store.close()


def ask(terminal: Terminal, prompt: str) -> None:
    terminal.type(prompt)
    terminal.wait_for(prompt)
    terminal.press("enter")


def test_two_panes_answer_and_come_back(smollm2: Path) -> None:
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.parent.mkdir(parents=True)
    settings.write_text("temperature = 0\nmax_tokens = 40\n", encoding="utf-8")
    command = ("--threads", "1", "-m", str(smollm2))
    with Terminal.mistral_tui(*command, rows=30, columns=120) as terminal:
        terminal.wait_for("Ask anything")
        ask(terminal, "What is the capital of Japan?")
        # The chord arrives in one piece, as from a quick hand.
        terminal.type("\x13v")
        terminal.wait_for("new chat")
        ask(terminal, "Name the days of the week.")
        terminal.wait_until(lambda: len(replies()) == 2, "two replies")
        terminal.wait_for("Tokyo")
        terminal.wait_for("Monday")
        tokyo = next(line.index("Tokyo") for line in terminal.lines if "Tokyo" in line)
        monday = next(line.index("Monday") for line in terminal.lines if "Monday" in line)
        assert tokyo < monday
        assert len(terminal.workers()) == 1
        terminal.type("\x13z")
        terminal.wait_until(lambda: "2 of 2" in terminal.text and "Tokyo" not in terminal.text, "one pane alone")
        terminal.type("\x13z")
        terminal.wait_for("Tokyo")
        terminal.press("ctrl+q")
        assert terminal.wait_for_exit() == 0
    with Terminal.mistral_tui(*command, rows=30, columns=120) as terminal:
        terminal.wait_for("Tokyo")
        terminal.wait_for("Monday")
        terminal.type("\x13x")
        terminal.wait_until(lambda: "Monday" not in terminal.text, "one pane")
        terminal.press("ctrl+q")
        assert terminal.wait_for_exit() == 0
