"""What happens while a reply is written.

An engine yields the first group, a turn passes those on and adds the second. The screen, the command line, the
servers and the tests all consume these same events, in this order:

    ReplyStarted, LoadProgress*, [ContextTrimmed], PromptProgress*, TextDelta*, Finished, MessageCommitted, TurnEnded

`LoadProgress` comes when the model has to be loaded again first, because its worker had died or was ended.
"""

import msgspec

from mistral_tui.types.messages import FinishReason, Message, Usage
from mistral_tui.types.models import LoadProgress


class ContextTrimmed(msgspec.Struct, frozen=True, tag="context_trimmed"):
    """The context is full: the oldest messages of the branch are not part of this prompt."""

    left_out: int
    """How many messages were left out, the system message never being one of them."""


class PromptProgress(msgspec.Struct, frozen=True, tag="prompt_progress"):
    """How much of the prompt is in the KV cache. `done` starts at the number of reused tokens."""

    done: int
    total: int


class TextDelta(msgspec.Struct, frozen=True, tag="text"):
    """More text of the reply: valid Unicode, in order, never part of a stop string."""

    text: str
    tokens: int = 1
    """How many tokens this text stands for; deltas may be merged on the way."""


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The engine is done with the request. Always the last event of `Engine.generate`."""

    reason: FinishReason
    usage: Usage
    error: str | None = None
    """The cause, when `reason` is `failed`: one line, with what to do."""


EngineEvent = LoadProgress | ContextTrimmed | PromptProgress | TextDelta | Finished


class ReplyStarted(msgspec.Struct, frozen=True, tag="reply_started"):
    """A reply is about to be written; `message` is its empty beginning."""

    message: Message


class MessageCommitted(msgspec.Struct, frozen=True, tag="message_committed"):
    """A message is complete, as it is stored."""

    message: Message


class TurnEnded(msgspec.Struct, frozen=True, tag="turn_ended"):
    """The turn is over, whatever happened. Always the last event of a turn."""

    reason: FinishReason
    error: str | None = None


TurnEvent = EngineEvent | ReplyStarted | MessageCommitted | TurnEnded
