"""Writes several replies to one prompt to stdout, one after the other."""

import json
import sys
from collections.abc import Callable
from typing import TextIO

from mistral_tui.chat.events import ChatEvent, ChoiceEvent
from mistral_tui.cli.answer import SCHEMA_VERSION, Answer
from mistral_tui.cli.tools import call_lines
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.events import TurnEnded
from mistral_tui.types.requests import Grammar


class Choices:
    """Listens to a chat and prints its replies, each when it and those before it are complete.

    Args:
        count: How many there are.
        stop: Called when nothing can be written any more.
        printing: Whether the texts are printed; otherwise only `print_json` shows them.
        grammar: What they keep to.
        out: Where they go.
    """

    def __init__(
        self,
        count: int,
        stop: Callable[[], None],
        *,
        printing: bool = True,
        grammar: Grammar | None = None,
        out: TextIO | None = None,
    ) -> None:
        self._chat = Answer(stop, streaming=False, out=out)
        """What concerns all of them, and the way out."""
        self._answers = [Answer(stop, streaming=False, grammar=grammar, out=out) for _ in range(count)]
        self._printing = printing
        self._printed = 0
        self._ended: set[int] = set()

    @property
    def error(self) -> MistralTuiError | None:
        """Why there are no replies, or why the first that failed did."""
        errors = (answer.error for answer in (self._chat, *self._answers))
        return next((error for error in errors if error is not None), None)

    @property
    def broken(self) -> OSError | None:
        """Why nothing can be written to stdout any more."""
        return self._chat.broken

    def listen(self, event: ChatEvent) -> None:
        """Take one event of the chat."""
        if not isinstance(event, ChoiceEvent):
            self._chat.listen(event)
            return
        self._answers[event.choice].listen(event.event)
        if isinstance(event.event, TurnEnded):
            self._ended.add(event.choice)
            while self._printed in self._ended:
                self._print(self._printed)
                self._printed += 1

    def end(self) -> None:
        """Say what a reader of the texts alone would not know."""
        for answer in (*self._answers, self._chat):
            answer.end()

    def print_json(self, session_id: str | None) -> None:
        """Print all replies and their figures as one JSON object."""
        choices = [answer.document() for answer in self._answers if answer.reply is not None]
        if choices:
            document = {"schema_version": SCHEMA_VERSION, "session_id": session_id, "choices": choices}
            self._chat.write(json.dumps(document, ensure_ascii=self._chat.steered, indent=2) + "\n")

    def print_logprobs(self) -> None:
        """Print to stderr how likely each token was."""
        for number, answer in enumerate(self._answers):
            print(self._title(number), file=sys.stderr)
            answer.print_logprobs()

    def print_statistics(self) -> None:
        """Print the figures to stderr."""
        for number, answer in enumerate(self._answers):
            print(self._title(number), file=sys.stderr)
            answer.print_statistics()

    def _print(self, number: int) -> None:
        reply = self._answers[number].reply
        if self._printing and reply is not None:
            calls = call_lines(reply, self._chat.steered)
            text = self._chat.shown(reply.text.rstrip())
            said = f"{text}\n" if text or not calls else ""
            space = "\n" if number else ""
            self._chat.write(f"{space}{self._title(number)}\n{said}{calls}")

    def _title(self, number: int) -> str:
        return f"=== {number + 1} of {len(self._answers)} ==="
