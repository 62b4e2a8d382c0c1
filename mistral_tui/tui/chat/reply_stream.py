"""A reply that is being written, in its parts: text, reasoning and calls, each growing until the next one begins."""

from collections.abc import Callable
from typing import TypeVar

from mistral_tui.tui.chat.markdown_stream import MarkdownStream
from mistral_tui.types.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from mistral_tui.types.messages import Message, ReasoningPart, TextPart, ToolCallPart
from mistral_tui.types.text import printable

_TAIL = 4_000
"""Characters of growing reasoning that may be in view."""


class TextStream(MarkdownStream):
    """Text that grows."""


class ReasoningStream:
    """Reasoning that grows; its end is at hand however long it is."""

    def __init__(self) -> None:
        self.tail = ""
        """The last part of it."""
        self.seconds: float | None = None
        """How long it took, once it is complete."""

    def feed(self, text: str) -> None:
        """Take in more of it."""
        self.tail = (self.tail + text)[-_TAIL:]


class CallStream:
    """A call that grows."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.name = ""
        self.arguments = ""
        """As much of them as a line may show."""

    def feed(self, name: str, arguments: str) -> None:
        """Take in more of it."""
        self.name += name
        if len(self.arguments) < _TAIL:
            self.arguments += arguments


G = TypeVar("G", TextStream, ReasoningStream, CallStream)
Growing = TextStream | ReasoningStream | CallStream


class ReplyStream:
    """What has come of a reply, harmless to show."""

    def __init__(self, message: Message, latest: Callable[[], Message] | None = None) -> None:
        """Begin with what `message` has already.

        Args:
            message: The reply.
            latest: Returns what it has become by now.
        """
        self.parts: list[Growing] = []
        """In their order; the last one grows."""
        self._latest = latest or (lambda: message)
        for part in message.parts:
            match part:
                case TextPart(text):
                    self.feed(TextDelta(text))
                case ReasoningPart(text):
                    self.feed(ReasoningDelta(text))
                case ToolCallPart(call_id, name, arguments):
                    calls = sum(isinstance(part, CallStream) for part in self.parts)
                    self.feed(ToolCallDelta(calls, call_id, name, arguments))

    def feed(self, delta: Delta) -> None:
        """Take in more of it."""
        last = self.parts[-1] if self.parts else None
        match delta:
            case TextDelta(text) if text:
                if not isinstance(last, TextStream):
                    last = self._begin(TextStream())
                last.feed(printable(text))
            case ReasoningDelta(text) if text:
                if not isinstance(last, ReasoningStream):
                    last = self._begin(ReasoningStream())
                last.feed(printable(text))
            case ToolCallDelta(index, _, name, arguments):
                if not isinstance(last, CallStream) or last.index != index:
                    last = self._begin(CallStream(index))
                last.feed(name, arguments)

    def _begin(self, part: G) -> G:
        if self.parts and isinstance(before := self.parts[-1], ReasoningStream):
            # Its time is known where the reply is kept; what is shown must not differ from that in the end.
            known = self._latest().parts[len(self.parts) - 1 :][:1]
            before.seconds = known[0].seconds if known and isinstance(known[0], ReasoningPart) else None
        self.parts.append(part)
        return part
