"""Asks an engine loop in this process, as a worker would."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mistral_tui.engines.worker.loop import EngineLoop
from mistral_tui.engines.worker.outbox import TEXT_LIMIT, Outbox
from mistral_tui.types.events import (
    ContextTrimmed,
    Delta,
    EngineEvent,
    Finished,
    PromptProgress,
    ReasoningDelta,
    TextDelta,
    TokenScored,
    ToolCallDelta,
)
from mistral_tui.types.messages import FinishReason, Message, Role, TextPart, Usage
from mistral_tui.types.requests import GenerateRequest, SamplingParams

DEADLINE = 90.0


def message(role: Role, text: str) -> Message:
    return Message(role, (TextPart(text),))


def user(text: str) -> Message:
    return message("user", text)


def assistant(text: str) -> Message:
    return message("assistant", text)


@dataclass
class Asked:
    """A request under way, and what has come of it."""

    request: GenerateRequest
    outbox: Outbox
    events: list[EngineEvent] = field(default_factory=list)
    _filled: threading.Event = field(default_factory=threading.Event)

    def until(self, done: Callable[["Asked"], bool]) -> "Asked":
        """Take events until `done`, or until the request is finished."""
        deadline = time.monotonic() + DEADLINE
        while not done(self) and not self.finished:
            self._filled.wait(0.5)
            self._filled.clear()
            self.events += self.outbox.take()
            assert time.monotonic() < deadline, f"the engine said only {self.events}"
        return self

    def end(self) -> "Asked":
        return self.until(lambda asked: False)

    @property
    def finished(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], Finished)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def told_tokens(self) -> int:
        return sum(event.tokens for event in self.events if isinstance(event, Delta))

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningDelta))

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Names and arguments."""
        calls: dict[int, tuple[str, str]] = {}
        for event in self.events:
            if isinstance(event, ToolCallDelta):
                name, arguments = calls.get(event.index, ("", ""))
                calls[event.index] = name + event.name, arguments + event.arguments
        return list(calls.values())

    @property
    def scored(self) -> list[TokenScored]:
        return [event for event in self.events if isinstance(event, TokenScored)]

    @property
    def progress(self) -> list[PromptProgress]:
        return [event for event in self.events if isinstance(event, PromptProgress)]

    @property
    def left_out(self) -> int | None:
        return next((event.left_out for event in self.events if isinstance(event, ContextTrimmed)), None)

    @property
    def last(self) -> Finished:
        event = self.events[-1]
        assert isinstance(event, Finished)
        return event

    @property
    def reason(self) -> FinishReason:
        return self.last.reason

    @property
    def usage(self) -> Usage:
        return self.last.usage


class Client:
    """Runs a loop on a thread of its own and asks it. Greedy unless a request says otherwise."""

    def __init__(self, loop: EngineLoop) -> None:
        self.loop = loop
        self._thread = threading.Thread(target=loop.run, daemon=True)
        self._thread.start()

    def ask(
        self,
        *messages: Message,
        chat: str = "",
        text_limit: int = TEXT_LIMIT,
        **given: Any,
    ) -> Asked:
        """Ask with further fields of the request, and of its sampling parameters."""
        fields = {name: given.pop(name) for name in GenerateRequest.__struct_fields__ if name in given}
        params = SamplingParams(**{"temperature": 0.0, **given})
        request = GenerateRequest(messages, params, chat, **fields)
        filled = threading.Event()
        asked = Asked(request, Outbox(filled.set, text_limit), _filled=filled)
        self.loop.submit(request, asked.outbox)
        return asked

    def answer(self, *messages: Message, chat: str = "", **asked: Any) -> Asked:
        return self.ask(*messages, chat=chat, **asked).end()

    def close(self) -> None:
        self.loop.stop()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
