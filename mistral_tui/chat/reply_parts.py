"""The parts of a reply, as they grow out of an engine's events."""

import time
from collections.abc import Callable

from mistral_tui.types.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from mistral_tui.types.messages import Part, ReasoningPart, TextPart, ToolCallPart


class ReplyParts:
    """Joins deltas to parts, in their order.

    Args:
        begun: What there is already of a reply that goes on.
        clock: Seconds, for the time that reasoning takes.
    """

    def __init__(self, begun: tuple[Part, ...] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done: list[Part] = list(begun[:-1])
        self._open: Part | None = begun[-1] if begun else None
        self._index = 0
        """Which call is open."""
        self._began = 0.0
        if isinstance(self._open, ReasoningPart):
            self._began = clock() - (self._open.seconds or 0.0)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What there is so far."""
        return tuple(self._done) if self._open is None else (*self._done, self._open)

    def add(self, delta: Delta) -> bool:
        """Take one more delta; returns whether it has changed anything."""
        match delta, self._open:
            case (ReasoningDelta(""), _) | (TextDelta(""), _):
                return False
            case ReasoningDelta(text), ReasoningPart(before):
                self._open = ReasoningPart(before + text, self._clock() - self._began)
            case TextDelta(text), TextPart(before):
                self._open = TextPart(before + text)
            case ToolCallDelta(index, _, name, arguments), ToolCallPart(call_id, before, written) if (
                index == self._index
            ):
                self._open = ToolCallPart(call_id, before + name, written + arguments)
            case _:
                self._begin(delta)
        return True

    def _begin(self, delta: Delta) -> None:
        if isinstance(self._open, ReasoningPart):
            self._open = ReasoningPart(self._open.text, self._clock() - self._began)
        if self._open is not None:
            self._done.append(self._open)
        match delta:
            case ReasoningDelta(text):
                self._began = self._clock()
                self._open = ReasoningPart(text, 0.0)
            case TextDelta(text):
                self._open = TextPart(text)
            case ToolCallDelta(index, call_id, name, arguments):
                self._index = index
                self._open = ToolCallPart(call_id, name, arguments)
