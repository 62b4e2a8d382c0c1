"""What an engine is asked: sampling parameters and a generation request."""

import uuid
from typing import Literal

import msgspec

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Json, Message
from mistral_tui.types.models import Adapter

GrammarKind = Literal["regex", "lark", "json_schema", "llguidance", "gbnf"]
ContextPolicy = Literal["drop", "shift", "stop"]
"""When the context is full: leave out the oldest turns, give up the oldest tokens and go on, or stop."""


class SamplingParams(msgspec.Struct, frozen=True):
    """How the next token is chosen. The defaults are mistral.rs's.

    Raises:
        InvalidRequest: A value is outside its range.
    """

    temperature: float = 0.8
    """From 0 (greedy) to 2."""
    top_k: int = 40
    """How many candidates stay; 0 keeps all."""
    top_p: float = 0.95
    """Smallest set of candidates with this probability; in (0, 1], 1 keeps all."""
    min_p: float = 0.05
    """Candidates less likely than this share of the best are dropped; in [0, 1), 0 keeps all."""
    repetition_penalty: float = 1.0
    """Divides the logit of tokens already seen; in (0, 2], 1 is off."""
    frequency_penalty: float = 0.0
    """From -2 to 2."""
    presence_penalty: float = 0.0
    """From -2 to 2."""
    penalty_window: int = 64
    """How many of the last tokens the penalties look at."""
    seed: int | None = None
    """In [0, 2**32 - 2]; `None` draws one at random, and the reply's usage reports it."""
    max_tokens: int | None = None
    """Most tokens of a reply; `None`: until the model stops or the context is full."""
    stop: tuple[str, ...] = ()
    """The reply ends before the first of these; they are not part of it."""

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InvalidRequest(f"{name} is {value}; it must be from {low:g} to {high:g}")
        if self.top_p == 0 or self.repetition_penalty == 0:
            raise InvalidRequest("top_p and repetition_penalty must be above 0")
        if any(not text for text in self.stop):
            raise InvalidRequest("a stop string is empty; leave it out or give it text")


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("top_k", 0, 2**31 - 1),
    ("top_p", 0, 1),
    ("min_p", 0, 1),
    ("repetition_penalty", 0, 2),
    ("frequency_penalty", -2, 2),
    ("presence_penalty", -2, 2),
    ("penalty_window", 0, 2**20),
    ("seed", 0, 2**32 - 2),
    ("max_tokens", 1, 2**31 - 1),
)


class Grammar(msgspec.Struct, frozen=True):
    """What a reply must look like. The names of kinds are mistral.rs's, and `gbnf` is llama.cpp's notation."""

    kind: GrammarKind
    value: str
    """The grammar itself; for `json_schema` and `llguidance` JSON text."""


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool that the model is told of."""

    name: str
    description: str = ""
    parameters: Json = {}
    """JSON schema of its arguments."""


class NamedTool(msgspec.Struct, frozen=True):
    """The model must call this tool."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class GenerateRequest(msgspec.Struct, frozen=True):
    """Ask for the reply to the last message of `messages`.

    The engine renders the model's chat template, keeps what is already in its KV cache for `chat_id`, and leaves
    out the oldest turns when the context is full (it says so with a `ContextTrimmed` event).
    """

    messages: tuple[Message, ...]
    """One branch, oldest first; the last is the one to answer."""
    sampling: SamplingParams = SamplingParams()
    chat_id: str = ""
    """Requests with the same chat reuse one sequence of the KV cache; empty: never reused."""
    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    grammar: Grammar | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = "auto"
    enable_thinking: bool | None = None
    """For templates that know it; `None` leaves it to the template."""
    documents: tuple[Json, ...] = ()
    """For templates that know them: objects with `title` and `text`."""
    template_arguments: Json = {}
    """Further variables of the chat template."""
    context_policy: ContextPolicy = "drop"
    adapters: tuple[Adapter, ...] | None = None
    """LoRAs for this reply; `None`: those of the load options."""
