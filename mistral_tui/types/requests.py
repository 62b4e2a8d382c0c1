"""What an engine is asked: sampling parameters and a generation request."""

import re
import uuid
from typing import Literal

import msgspec

from mistral_tui.types.choices import ContextPolicy
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Json, Message
from mistral_tui.types.models import Adapter, SamplingDefaults

GrammarKind = Literal["regex", "lark", "json_schema", "llguidance", "gbnf"]


class SamplingParams(msgspec.Struct, frozen=True):
    """How the next token is chosen.

    The steps, in the order in which they look at the candidates: `logit_bias`, penalties, DRY, top-n-sigma, top-k,
    typical, top-p, min-p, XTC, temperature, choice. `None` leaves a value to the model's file, and where that
    recommends nothing to `SamplingDefaults`.

    Raises:
        InvalidRequest: A value is outside its range.
    """

    temperature: float | None = None
    """From 0 to 2. 0 is greedy: after penalties and DRY the likeliest token is taken, whatever else is set."""
    dynatemp_range: float = 0.0
    """The temperature moves by up to this, from 0 to 2: down where the model is sure, up where it is not; 0 is off."""
    dynatemp_exponent: float = 1.0
    """How it moves with the entropy, from 0 to 10."""
    top_k: int | None = None
    """How many candidates stay; 0 keeps all."""
    top_p: float | None = None
    """Smallest set of candidates with this probability; in (0, 1], 1 keeps all."""
    min_p: float | None = None
    """Candidates less likely than this share of the best are dropped; in [0, 1], 0 keeps all."""
    typical_p: float = 1.0
    """Smallest set of the candidates that surprise as usual, with this probability; in (0, 1], 1 keeps all."""
    top_n_sigma: float = 0.0
    """Candidates more than this many standard deviations of the logits below the best are dropped; 0 keeps all."""
    xtc_probability: float | None = None
    """How often the likeliest candidates are dropped (XTC), from 0 to 1."""
    xtc_threshold: float | None = None
    """All candidates at least this likely, but for the last of them; above 0.5 there can be none."""
    dry_multiplier: float = 0.0
    """How strongly DRY keeps a text from repeating itself, from 0, which is off, to 100."""
    dry_base: float = 1.75
    """How fast that grows with the length of the repetition, from 1 to 10."""
    dry_allowed_length: int = 2
    """Repetitions of up to so many tokens are not penalized; at least 1."""
    dry_penalty_window: int = 1024
    """How many of the last tokens DRY looks at; 0 is off."""
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    """A repetition ends at these: at most 16, each of at most 40 bytes."""
    mirostat: Literal[0, 1, 2] | None = None
    """Version of mirostat, which keeps the surprise constant and stands in for all steps from top-n-sigma to XTC."""
    mirostat_tau: float | None = None
    """Surprise that it aims at, in bits, from 0 to 100."""
    mirostat_eta: float | None = None
    """How fast it learns, from 0 to 1."""
    repetition_penalty: float | None = None
    """Divides the logit of tokens already seen; from 0.01 to 2, 1 is off."""
    frequency_penalty: float = 0.0
    """From -2 to 2."""
    presence_penalty: float = 0.0
    """From -2 to 2."""
    penalty_window: int | None = None
    """How many of the last tokens the penalties look at; 0 is off."""
    logit_bias: dict[int | str, float] = {}
    """What is added to the logits of tokens, from -100, which means never, to 100.

    A token is given by its number, or by text: then each token of that text is meant. At most 1,024 of them.
    """
    logprobs: bool = False
    """Whether a `TokenScored` tells of each token how likely it was."""
    top_logprobs: int = 0
    """How many of the likeliest tokens it tells along, from 0 to 20."""
    seed: int | None = None
    """In [0, 2**32 - 2]; `None` draws one at random, and the reply's usage reports it."""
    max_tokens: int | None = None
    """Most tokens of a reply; `None`: until the model stops or the context is full."""
    ignore_eos: bool = False
    """Whether the reply goes on although the model would end it, up to `max_tokens`: for measuring."""
    stop: tuple[str, ...] = ()
    """The reply ends before the first of these, which are not part of it; at most 256, each of 1,024 bytes."""

    def __post_init__(self) -> None:
        for name, kind, low, high in SAMPLING_RANGES:
            value = getattr(self, name)
            if value is not None:
                _check(name, value, kind, low, high)
        for name, count, length in _TEXTS:
            _check_texts(name, getattr(self, name), count, length)
        _check_bias(self.logit_bias)
        if self.top_p == 0 or self.typical_p == 0:
            raise InvalidRequest(f"{'top_p' if self.top_p == 0 else 'typical_p'} must be above 0; 1 turns it off")
        if self.top_logprobs and not self.logprobs:
            raise InvalidRequest("top_logprobs says how many; ask for them with logprobs, too")

    def over(self, defaults: SamplingDefaults) -> SamplingDefaults:
        """Return `defaults` with what is set here in their place."""
        given = {name: getattr(self, name) for name in SamplingDefaults.__struct_fields__}
        return msgspec.structs.replace(defaults, **{name: value for name, value in given.items() if value is not None})


SAMPLING_RANGES: tuple[tuple[str, type[int | float], float, float], ...] = (
    ("temperature", float, 0, 2),
    ("dynatemp_range", float, 0, 2),
    ("dynatemp_exponent", float, 0, 10),
    ("top_k", int, 0, 2**31 - 1),
    ("top_p", float, 0, 1),
    ("min_p", float, 0, 1),
    ("typical_p", float, 0, 1),
    ("top_n_sigma", float, 0, 1000),
    ("xtc_probability", float, 0, 1),
    ("xtc_threshold", float, 0, 1),
    ("dry_multiplier", float, 0, 100),
    ("dry_base", float, 1, 10),  # below 1 llama.cpp leaves DRY out without a word
    ("dry_allowed_length", int, 1, 2**20),
    ("dry_penalty_window", int, 0, 2**16),
    ("mirostat", int, 0, 2),
    ("mirostat_tau", float, 0, 100),
    ("mirostat_eta", float, 0, 1),
    ("repetition_penalty", float, 0.01, 2),  # logits that are divided by less may become infinite
    ("frequency_penalty", float, -2, 2),
    ("presence_penalty", float, -2, 2),
    ("penalty_window", int, 0, 2**20),
    ("top_logprobs", int, 0, 20),
    ("seed", int, 0, 2**32 - 2),
    ("max_tokens", int, 1, 2**31 - 1),
)
_TEXTS = (
    ("dry_sequence_breakers", 16, 40),  # llama.cpp cuts at 40, and looks for each in the whole vocabulary
    ("stop", 256, 1024),
)
_MOST_BIASES = 1024


def _check(name: str, value: object, kind: type[int | float], low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise InvalidRequest(
            f"{name} is of type {type(value).__name__}; it must be a {'whole ' if kind is int else ''}number"
        )
    if not low <= value <= high:
        # Python refuses to write a whole number of thousands of digits.
        shown = value if isinstance(value, float) or abs(value) < 2**64 else "far too large"
        raise InvalidRequest(f"{name} is {shown}; it must be from {low:.10g} to {high:.10g}")


def _check_texts(name: str, texts: object, count: int, length: int) -> None:
    if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
        raise InvalidRequest(f"{name} is of type {type(texts).__name__}; it must be a list of texts")
    if len(texts) > count:
        raise InvalidRequest(f"{name} has {len(texts)} texts; at most {count} are possible")
    for text in texts:
        if not text or "\0" in text:
            raise InvalidRequest(f"a text of {name} is empty or holds a NUL; leave it out or give it text")
        if len(text.encode("utf-8", "replace")) > length:
            raise InvalidRequest(f"a text of {name} is longer than {length} bytes: {text[:20]}…")


def _check_bias(biases: object) -> None:
    if not isinstance(biases, dict):
        raise InvalidRequest(f"logit_bias is of type {type(biases).__name__}; it must be pairs of a token and a number")
    if len(biases) > _MOST_BIASES:
        raise InvalidRequest(f"logit_bias has {len(biases)} tokens; at most {_MOST_BIASES} are possible")
    for token, bias in biases.items():
        if isinstance(token, str):
            _check_texts("logit_bias", (token,), 1, 128)
        else:
            _check("a token of logit_bias", token, int, 0, 2**31 - 1)
        _check(f"the logit_bias of {token!r:.40}", bias, float, -100, 100)


GRAMMAR_LIMIT = 128 * 1024
"""Most characters of a grammar."""


class Grammar(msgspec.Struct, frozen=True):
    """What a reply must look like. The names of kinds are mistral.rs's, and `gbnf` is llama.cpp's notation.

    Raises:
        InvalidRequest: It is too large, or no text. Whether it is right is found out by the engine.
    """

    kind: GrammarKind
    value: str
    """The grammar itself; for `json_schema` and `llguidance` JSON text."""

    def __post_init__(self) -> None:
        if len(self.value) > GRAMMAR_LIMIT:
            raise InvalidRequest(
                f"the grammar has {len(self.value):,} characters; at most {GRAMMAR_LIMIT:,} are taken; make it smaller"
            )
        if any("\ud800" <= character <= "\udfff" for character in self.value):
            raise InvalidRequest("the grammar is not valid Unicode; save it as UTF-8")


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool that the model is told of.

    Raises:
        InvalidRequest: The name has characters that models and their notations trip over.
    """

    name: str
    """Letters, digits and `_ - . : /`."""
    description: str = ""
    parameters: Json = {}
    """JSON schema of its arguments."""

    def __post_init__(self) -> None:
        if not _TOOL_NAME.fullmatch(self.name):
            raise InvalidRequest(f"{self.name!r:.60} is no name for a tool; use letters, digits and _ - . : /")


_TOOL_NAME = re.compile(r"[\w.:/-]{1,200}")


class NamedTool(msgspec.Struct, frozen=True):
    """The model must call this tool."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class GenerateRequest(msgspec.Struct, frozen=True):
    """Ask for the reply to the last message of `messages`, or for the rest of a reply that this message begins.

    The engine renders the model's chat template, keeps what is already in its KV cache for `chat_id`, and leaves
    out the oldest turns when the context is full (it says so with a `ContextTrimmed` event).

    Raises:
        InvalidRequest: A tool is to be called that is not given, or two have one name; or the last message is no reply
            to go on with.
    """

    messages: tuple[Message, ...] = ()
    """One branch, oldest first; the last is the one to answer, or to go on with."""
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
    keep_on_disk: bool = True
    """Whether the KV cache of the chat may be written to a file, for when it is opened again."""
    adapters: tuple[Adapter, ...] | None = None
    """LoRAs for this reply; `None`: those of the load options."""
    continues: bool = False
    """Whether the last message is the beginning of the reply: what comes is only what the model adds to it."""

    def __post_init__(self) -> None:
        names = [tool.name for tool in self.tools]
        if len(set(names)) < len(names):
            raise InvalidRequest(f"two tools are called {max(names, key=names.count)}; leave one out")
        choice = self.tool_choice
        if isinstance(choice, NamedTool) and choice.name not in names:
            raise InvalidRequest(f"{choice.name} is to be called and is none of the tools; give it, or choose another")
        if choice == "required" and not names:
            raise InvalidRequest("a tool is to be called, and none is given; give one")
        if self.continues and (not self.messages or self.messages[-1].role != "assistant"):
            raise InvalidRequest("there is no reply to go on with; the last message must be the assistant's")
