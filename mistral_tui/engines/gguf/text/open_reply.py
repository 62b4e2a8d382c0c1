"""A reply that is to go on: its beginning as the model itself would have written it, right after the prompt.

Chat templates close every message that they are given, so an open one cannot go through them. What a template writes
before a reply is the same for all of them, and the beginning of this one follows it.
"""

from typing import Literal, NamedTuple

from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.engines.parsing.reasoning import Reasoning
from mistral_tui.engines.parsing.splitter import Notation
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Part, ReasoningPart, TextPart
from mistral_tui.types.requests import GenerateRequest


class Beginning(NamedTuple):
    """The beginning of a reply in parts whose text holds no control tokens."""

    parts: tuple[Part, ...]
    reasoning: Reasoning | None
    """How the model marks what it thinks."""

    def after(self, prompt: str) -> str:
        """Return the text that follows `prompt`, which may have opened reasoning itself."""
        marks = self.reasoning
        thinking = marks is not None and prompt.rstrip().endswith(marks.opens.rstrip())
        written = ""
        for part in self.parts:
            if isinstance(part, ReasoningPart) and marks is not None:
                written += part.text if thinking else f"{marks.opens}\n{part.text}"
                thinking = True
            elif isinstance(part, TextPart):
                if thinking and marks is not None:
                    written += f"\n{marks.closes}\n\n"
                    thinking = False
                written += part.text
        return written


def written_beginning(request: GenerateRequest, template: ChatTemplate, vocabulary: Vocabulary) -> Beginning:
    """Return the beginning of the reply that `request` wants more of.

    Raises:
        InvalidRequest: It has calls, or the model writes its replies in channels: neither can be left open.
    """
    parts: list[Part] = []
    for part in request.messages[-1].parts:
        match part:
            case TextPart(text):
                parts.append(TextPart(vocabulary.literal(text)))
            case ReasoningPart(text):
                parts.append(ReasoningPart(vocabulary.literal(text)))
            case _:
                raise InvalidRequest("a reply that calls tools cannot be continued; answer the prompt again instead")
    notation = Notation.of(template.text, vocabulary.has_token, template.takes_tools)
    if notation.is_harmony:
        raise InvalidRequest("this model's replies cannot be continued; answer the prompt again instead")
    return Beginning(tuple(parts), notation.reasoning)


def going_on_in(request: GenerateRequest) -> Literal["reasoning", "answer"] | None:
    """Return what the beginning of a reply ends in the middle of; `None` for a reply that is to begin."""
    if not request.continues:
        return None
    parts = request.messages[-1].parts
    return "reasoning" if parts and isinstance(parts[-1], ReasoningPart) else "answer"
