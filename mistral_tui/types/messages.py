"""The vocabulary of a conversation: messages and the parts they are made of.

A conversation is a tree. Every message names its parent, so that editing, retrying and forking add branches
and never destroy what was said. Parts are tagged JSON; a part that a newer version wrote is kept as it is.
"""

import time
import uuid
from typing import Any, Literal

import msgspec

Json = dict[str, Any]
Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "tool_calls", "length", "context", "cancelled", "failed"]
"""Why a reply ended: the model was done, it calls tools, `max_tokens`, context full, a cancel, or an error."""


class TextPart(msgspec.Struct, frozen=True, tag="text"):
    """Plain text or Markdown."""

    text: str


class ReasoningPart(msgspec.Struct, frozen=True, tag="reasoning"):
    """What a model thought before it answered."""

    text: str
    seconds: float | None = None


class FilePart(msgspec.Struct, frozen=True, tag="file"):
    """A text file given along with a prompt; its content is part of the prompt."""

    name: str
    text: str


class ImagePart(msgspec.Struct, frozen=True, tag="image"):
    """A picture, by path."""

    path: str
    media_type: str
    name: str = ""
    """What the person's file was called."""
    width: int = 0
    height: int = 0
    """In pixels; 0 if unknown."""
    size: int = 0
    """Bytes of the file; 0 if unknown."""


class AudioPart(msgspec.Struct, frozen=True, tag="audio"):
    """A recording, by path."""

    path: str
    media_type: str
    name: str = ""
    """What the person's file was called."""
    seconds: float | None = None
    size: int = 0
    """Bytes of the file; 0 if unknown."""


class ToolCallPart(msgspec.Struct, frozen=True, tag="tool_call"):
    """A call that the model made; `arguments` is the JSON text as the model wrote it."""

    call_id: str
    name: str
    arguments: str


class ToolResultPart(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a called tool answered."""

    call_id: str
    text: str
    failed: bool = False


class UnknownPart(msgspec.Struct, frozen=True, tag="unknown"):
    """A part of a kind that this version does not know, kept as it was read."""

    raw: Json


KnownPart = TextPart | ReasoningPart | FilePart | ImagePart | AudioPart | ToolCallPart | ToolResultPart
Part = KnownPart | UnknownPart
Attachment = FilePart | ImagePart | AudioPart
"""What a person gives along with a prompt."""


class Usage(msgspec.Struct, frozen=True):
    """Exact token accounting of one reply."""

    prompt_tokens: int = 0
    """Tokens of the rendered prompt, cached ones included."""
    cached_tokens: int = 0
    """Prompt tokens that were already in the KV cache and were not computed again."""
    completion_tokens: int = 0
    time_to_first_token: float = 0.0
    """Seconds from the request's arrival in the engine to its first token."""
    prefill_rate: float = 0.0
    """Computed (not cached) prompt tokens a second."""
    decode_rate: float = 0.0
    """Generated tokens a second, the first one left out."""
    context_tokens: int = 0
    """Tokens that the chat occupies in the context after the reply."""
    context_size: int = 0
    """Tokens that the context can hold for one chat."""
    drafted_tokens: int = 0
    """Tokens that a draft model proposed (speculative decoding)."""
    accepted_tokens: int = 0
    """Of these, how many the model would have written itself."""
    seed: int | None = None
    """The seed that was used, also when it was drawn at random."""
    encoded_media: int = 0
    """Pictures and recordings that were encoded for this reply; those of earlier turns are remembered."""
    estimated: bool = False
    """Whether nobody told the counts: those of the prompt are unknown (0), the reply's are of the pieces that came."""


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    parent_id: str | None = None
    created_at: float = msgspec.field(default_factory=time.time)
    """Seconds since the epoch."""
    model: str | None = None
    """Name of the model that wrote it."""
    finish: FinishReason | None = None
    """Why the reply ended; `None` for other roles and for a reply that is still being written."""
    usage: Usage | None = None
    error: str | None = None
    """What went wrong, for a reply that ended as `failed`."""
    hidden: bool = False
    """Whether a person deleted it: it is kept, and neither shown nor found."""

    @property
    def text(self) -> str:
        """The text of all text parts, without files and reasoning."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """What was thought, all of it; empty if nothing was."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, ReasoningPart))


def encode_parts(parts: tuple[Part, ...]) -> str:
    """Return `parts` as a JSON array; unknown parts are written as they were read."""
    plain = [part.raw if isinstance(part, UnknownPart) else msgspec.to_builtins(part) for part in parts]
    return msgspec.json.encode(plain).decode()


def decode_parts(text: str | bytes) -> tuple[Part, ...]:
    """Read parts from a JSON array written by this version or any other.

    Raises:
        msgspec.DecodeError: `text` is not a JSON array of objects.
    """
    try:
        return _known_parts.decode(text)
    except msgspec.ValidationError:
        return tuple(_decode_part(raw) for raw in msgspec.json.decode(text, type=list[dict[str, Any]]))


_known_parts = msgspec.json.Decoder(tuple[KnownPart, ...])


def _decode_part(raw: Json) -> Part:
    part: KnownPart
    try:
        part = msgspec.convert(raw, type=KnownPart)
    except msgspec.ValidationError:
        return UnknownPart(raw)
    return part
