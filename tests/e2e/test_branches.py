"""Editing, switching branches and going on from another token, with a real model in a real pseudo-terminal."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import stored_messages
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]


@pytest.fixture
def terminal(smollm2: Path) -> Iterator[Terminal]:
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.parent.mkdir(parents=True)
    settings.write_text("temperature = 0\nmax_tokens = 24\n", encoding="utf-8")
    with Terminal.mistral_tui("--threads", "1", "-m", str(smollm2), rows=24, columns=80) as terminal:
        terminal.wait_for("Ask anything")
        yield terminal


def replied(count: int) -> bool:
    replies = [message for message in stored_messages() if message.role == "assistant"]
    return len(replies) == count and all(message.finish for message in replies)


def test_a_prompt_is_edited_and_both_branches_stay(terminal: Terminal) -> None:
    terminal.type("What is the capital of Japan?")
    terminal.press("enter")
    terminal.wait_for("Tokyo")
    terminal.wait_until(lambda: replied(1), "the first reply")
    terminal.press("alt+m")
    terminal.wait_for("▌")
    terminal.press("up")
    terminal.type("e")
    terminal.wait_for("editing the prompt")
    terminal.press("ctrl+u")
    terminal.type("What is the capital of France?")
    terminal.press("enter")
    terminal.wait_for("2/2")
    terminal.wait_until(lambda: replied(2) and "Tokyo" not in terminal.text, "the second reply")
    terminal.press("alt+m")
    terminal.wait_for("▌")
    terminal.press("up")
    terminal.press("left")
    terminal.wait_for("1/2")
    terminal.wait_for("Tokyo")
    terminal.wait_until(lambda: "France" not in terminal.text, "the first branch")


def test_a_reply_goes_on_from_another_token(terminal: Terminal) -> None:
    terminal.type("/tokens")
    terminal.press("enter")
    terminal.wait_for("watched")
    terminal.type("What is the capital of Japan?")
    terminal.press("enter")
    terminal.wait_until(lambda: replied(1), "the first reply")
    terminal.press("alt+m")
    terminal.wait_for("▌")
    terminal.type("t")
    terminal.wait_for("token ")
    terminal.press("home")
    terminal.wait_for("token 1/7")
    terminal.wait_for("“The”")
    terminal.press("enter")
    terminal.wait_until(lambda: replied(2), "the second reply")
    terminal.wait_for("2/2")
    first, second = (message.text for message in stored_messages() if message.role == "assistant")
    assert first.split()[0] != second.split()[0]
    assert len(second.split()) > 1
