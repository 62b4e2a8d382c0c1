"""The interface in a pseudo-terminal, driven by its keys and watched from outside."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from benchmarks.subject import PROGRAM, find_model
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parent.parent
READY = "Ask anything"
"""What the empty prompt says."""


class Interface(Terminal):
    """The program with a model, or with the scripted engine in its place."""

    @classmethod
    def with_model(cls, *flags: str) -> Self:
        """Start the program on the benchmarks' model."""
        return cls((*PROGRAM, "-m", str(find_model()), *flags))

    @classmethod
    def with_script(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Start the program with `benchmarks.scripted` as its engine."""
        command = (PROGRAM[0], "-m", "benchmarks.launcher", "-m", str(find_model()))
        # A worker does not look for modules in the folder that it was started in.
        return cls(command, environment={"PYTHONPATH": str(ROOT), **(environment or {})}, folder=ROOT)

    def wait_until_painted(self) -> None:
        """Wait for the main screen."""
        self.wait_for(READY)

    def send(self, prompt: str) -> None:
        """Type a prompt and send it."""
        self.type(prompt)
        self.wait_for(prompt[-20:])
        self.press("enter")

    def wait_for_reply(self, number: int = 1, patience: float = 300.0) -> Message:
        """Wait until the `number`-th reply is complete and stored, and return it."""
        store = Store(Path(os.environ["MISTRAL_TUI_DATABASE"]))

        def replies() -> list[Message]:
            sessions = store.sessions(limit=1)
            messages = store.messages(sessions[0].id) if sessions else []
            return [message for message in messages if message.role == "assistant" and message.finish]

        try:
            self.wait_until(lambda: len(replies()) >= number, f"reply {number}", patience)
            return replies()[number - 1]
        finally:
            store.close()
