"""A chat goes from one real model to another and back, in a real pseudo-terminal."""

import sys
from pathlib import Path

import pytest

from tests.e2e.program import stored_messages
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

LIST = "\x1bl"


def replies() -> list[str]:
    """The models of the replies that are complete."""
    return [str(message.model) for message in stored_messages() if message.role == "assistant" and message.finish]


def ask(terminal: Terminal, prompt: str) -> None:
    terminal.type(prompt)
    terminal.wait_for(prompt)
    count = len(replies())
    terminal.press("enter")
    terminal.wait_until(lambda: len(replies()) > count, "the reply", patience=60)


def choose(terminal: Terminal, letters: str, name: str) -> None:
    """Open the list, look for a model, and let it answer."""
    terminal.type(LIST)
    terminal.wait_for("type to find a model")
    terminal.type(letters)
    terminal.wait_until(
        lambda: terminal.lines[0].split()[:2] == ["models", "1"] and name in terminal.text, "the model that is meant"
    )
    terminal.press("enter")
    terminal.wait_until(lambda: "enter send" in terminal.lines[-1] and name[:20] in terminal.text, "the chat")


def test_a_chat_goes_to_another_model_and_back(smollm2: Path, qwen: Path) -> None:
    environment = {
        "MISTRAL_TUI_MODEL_PATH": str(smollm2.parent),
        "MISTRAL_TUI_DISCOVER": "none",
        "MISTRAL_TUI_MAX_TOKENS": "12",
        "MISTRAL_TUI_TEMPERATURE": "0",
    }
    arguments = ("--threads", "1", "-m", str(smollm2))
    with Terminal.mistral_tui(*arguments, rows=36, columns=120, environment=environment) as terminal:
        terminal.wait_for("Ask anything")
        ask(terminal, "The word is zebra.")
        choose(terminal, "coder 0.5", qwen.stem)
        ask(terminal, "Which word?")
        choose(terminal, "smol", "SmolLM2-135M-Instruct")
        ask(terminal, "And again?")
        assert [name[:7].lower() for name in replies()] == ["smollm2", "qwen2.5", "smollm2"]
        for prompt in ("The word is zebra.", "Which word?", "And again?"):
            assert prompt in terminal.text, "the chat is all there"
        terminal.press("ctrl+q")
        assert terminal.wait_for_exit() == 0
