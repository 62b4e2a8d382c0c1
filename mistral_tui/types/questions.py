"""What a server of tools may ask the person, in the middle of a call, and what comes back."""

from typing import Literal, Protocol

import msgspec

from mistral_tui.types.messages import Json
from mistral_tui.types.tools import OutputPart


class FormQuestion(msgspec.Struct, frozen=True, tag="form"):
    """Values that the server wants to know. It is a stranger: no place for passwords."""

    message: str
    fields: Json
    """JSON schema of an object with plain values."""


class AddressQuestion(msgspec.Struct, frozen=True, tag="address"):
    """An address that the person is to open in a browser, after a look at where it leads."""

    message: str
    url: str
    """Begins with http:// or https://."""


class SampledMessage(msgspec.Struct, frozen=True):
    """A message of the conversation that a server wants to have continued."""

    role: Literal["user", "assistant"]
    parts: tuple[OutputPart, ...]


class SampleQuestion(msgspec.Struct, frozen=True, tag="sample"):
    """A reply of a model that the server wants, at the person's cost."""

    messages: tuple[SampledMessage, ...]
    system: str = ""
    max_tokens: int = 0
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Which models it would like, the best first."""


Question = FormQuestion | AddressQuestion | SampleQuestion


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The person agrees; to a form, with these values."""

    values: Json = {}


class Declined(msgspec.Struct, frozen=True, tag="declined"):
    """The person does not want to."""


class Dismissed(msgspec.Struct, frozen=True, tag="dismissed"):
    """The person has not decided: the question was closed, or nobody was there."""


class Sampled(msgspec.Struct, frozen=True, tag="sampled"):
    """What the model replied, and the person lets go out."""

    text: str
    model: str
    finish: Literal["stop", "length"] = "stop"


Reply = Accepted | Declined | Dismissed | Sampled


class Answerer(Protocol):
    """Whoever asks the person."""

    async def answer(self, server: str, question: Question) -> Reply:
        """Ask the person; cancelled when the server does not want to know any more.

        Args:
            server: Who asks.
            question: What, in words of a stranger.
        """
        ...
