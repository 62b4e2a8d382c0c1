"""Events of one request on their way out of the engine thread.

The engine puts events in, another thread takes them out when the reader is ready for more. Neither ever waits
for the other: what is not taken yet is merged, and past a limit of text the outbox says that it is full.
"""

import threading
from collections.abc import Callable

import msgspec

from mistral_tui.types.events import (
    Delta,
    EngineEvent,
    Finished,
    PromptProgress,
    TokenScored,
    ToolCallDelta,
)

TEXT_LIMIT = 64 * 1024
"""Characters that may wait for a slow reader before its request pauses."""
_CHANCE = 48
"""What one token of a `TokenScored` counts as besides its text, in characters: its bytes in a frame."""


def _nothing() -> None:
    pass


class Outbox:
    """The events of one request that nobody has taken yet.

    Args:
        on_filled: Called, on the thread that puts, when there is something to take after there was nothing, and
            again when something arrives that should not wait.
        text_limit: Characters of text from which on the outbox is full.
    """

    def __init__(self, on_filled: Callable[[], None] = _nothing, text_limit: int = TEXT_LIMIT) -> None:
        self.on_writable: Callable[[], None] = _nothing
        """Called, on the thread that takes, when a full outbox has room again. The engine sets it."""
        self._on_filled = on_filled
        self._text_limit = text_limit
        self._lock = threading.Lock()
        self._events: list[EngineEvent] = []
        self._run: Delta | None = None
        """The first of a row of deltas that become one event."""
        self._text: list[str] = []
        self._tokens = 0
        self._characters = 0
        self._spoke = False
        self._urgent = False
        self._finished = False

    @property
    def full(self) -> bool:
        """Whether so much text, or what is told of its tokens, waits that the engine should produce no more of it."""
        return self._characters >= self._text_limit

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._events and self._run is None

    @property
    def urgent(self) -> bool:
        """Whether something waits that a person would miss: the first text, the end."""
        return self._urgent

    @property
    def finished(self) -> bool:
        """Whether the last event has been put."""
        return self._finished

    def put(self, event: EngineEvent) -> None:
        """Add an event; never blocks. Adjacent deltas of a kind are merged, newer progress replaces older.

        Events after `Finished` are dropped.
        """
        with self._lock:
            if self._finished:
                return
            was_empty = self.empty
            was_urgent = self._urgent
            if isinstance(event, Delta):
                self._urgent |= not self._spoke
                self._spoke = True
                if not _goes_on(self._run, event):
                    self._close_run()
                    self._run = event
                text = event.arguments if isinstance(event, ToolCallDelta) else event.text
                self._text.append(text)
                self._tokens += event.tokens
                self._characters += len(text)
            else:
                self._close_run()
                if isinstance(event, PromptProgress) and self._events and isinstance(self._events[-1], PromptProgress):
                    self._events[-1] = event
                else:
                    self._events.append(event)
                if isinstance(event, TokenScored):
                    self._characters += sum(_CHANCE + 2 * len(chance.data) for chance in (event.chosen, *event.top))
                self._finished = isinstance(event, Finished)
                self._urgent |= self._finished
            wake = was_empty or self._urgent != was_urgent
        if wake:
            self._on_filled()

    def take(self) -> tuple[EngineEvent, ...]:
        """Return what waits, oldest first, and forget it; never blocks."""
        with self._lock:
            was_full = self.full
            self._close_run()
            events = tuple(self._events)
            self._events.clear()
            self._characters = 0
            self._urgent = False
        if was_full:
            self.on_writable()
        return events

    def _close_run(self) -> None:
        if self._run is None:
            return
        text = "".join(self._text)
        if isinstance(self._run, ToolCallDelta):
            whole: Delta = msgspec.structs.replace(self._run, arguments=text, tokens=self._tokens)
        else:
            whole = type(self._run)(text, self._tokens)
        self._events.append(whole)
        self._run = None
        self._text.clear()
        self._tokens = 0


def _goes_on(run: Delta | None, delta: Delta) -> bool:
    if isinstance(run, ToolCallDelta) and isinstance(delta, ToolCallDelta):
        return run.index == delta.index
    return type(run) is type(delta)
