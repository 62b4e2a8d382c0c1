"""What happens while a reply is written.

An engine yields the first group, a turn passes those on and adds the second. The screen, the command line, the
servers and the tests all consume these same events, in this order:

    ReplyStarted, LoadProgress*, [ContextTrimmed], PromptProgress*,
    (ReasoningDelta | TextDelta | ToolCallDelta | TokenScored | ContextShifted)*, Finished, MessageCommitted, TurnEnded

A reply that calls tools is followed by `ToolChanged` and `ToolProgressed`, the `MessageCommitted` of the results, and
the next reply, from `ReplyStarted` on; one `TurnEnded` ends them all.

`LoadProgress` comes when the model has to be loaded again first, because its worker had died or was ended.
"""

import msgspec

from mistral_tui.types.messages import FinishReason, Message, Usage
from mistral_tui.types.models import LoadProgress
from mistral_tui.types.tools import ToolProgress, ToolRun


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


class ReasoningDelta(msgspec.Struct, frozen=True, tag="reasoning"):
    """More of what the model thinks before it answers, without the marks around it."""

    text: str
    tokens: int = 1


class ToolCallDelta(msgspec.Struct, frozen=True, tag="tool_call"):
    """More of a call that the model makes. The first delta of an `index` carries `call_id` and `name`."""

    index: int
    """Which call of the reply, from 0."""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    """A piece of the arguments' JSON text."""
    tokens: int = 1


Delta = TextDelta | ReasoningDelta | ToolCallDelta
"""More of the reply. Adjacent ones of a kind (and of one call) can be merged."""


class TokenChance(msgspec.Struct, frozen=True):
    """A token that was, or could have been, chosen."""

    text: str
    """What it stands for; bytes that are no UTF-8 become U+FFFD."""
    data: bytes
    token: int
    logprob: float
    """Natural logarithm of its probability before any sampler looked at it."""
    control: bool = False
    """Whether it is a mark that adds nothing to the text; `text` is its name."""


class TokenScored(msgspec.Struct, frozen=True, tag="token_scored"):
    """How likely a token of the reply was, and the likeliest in its place; comes before its text."""

    chosen: TokenChance
    top: tuple[TokenChance, ...]
    """The likeliest first, as many as `SamplingParams.top_logprobs`."""


class ContextShifted(msgspec.Struct, frozen=True, tag="context_shifted"):
    """The context became full while the reply was written: its oldest tokens were given up, and it goes on."""

    tokens: int


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The engine is done with the request. Always the last event of `Engine.generate`."""

    reason: FinishReason
    usage: Usage
    error: str | None = None
    """The cause, when `reason` is `failed`: one line, with what to do."""


EngineEvent = (
    LoadProgress
    | ContextTrimmed
    | PromptProgress
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | TokenScored
    | ContextShifted
    | Finished
)


class ReplyStarted(msgspec.Struct, frozen=True, tag="reply_started"):
    """A reply is about to be written; `message` is its empty beginning."""

    message: Message


class MessageCommitted(msgspec.Struct, frozen=True, tag="message_committed"):
    """A message is complete, as it is stored."""

    message: Message


class ToolChanged(msgspec.Struct, frozen=True, tag="tool_changed"):
    """A call waits for the person, runs, or is over."""

    run: ToolRun


class ToolProgressed(msgspec.Struct, frozen=True, tag="tool_progressed"):
    """How far a call has come."""

    run_id: str
    progress: ToolProgress


class TurnEnded(msgspec.Struct, frozen=True, tag="turn_ended"):
    """The turn is over, whatever happened. Always the last event of a turn."""

    reason: FinishReason
    error: str | None = None


TurnEvent = EngineEvent | ReplyStarted | MessageCommitted | ToolChanged | ToolProgressed | TurnEnded
