"""From the messages of a chat to the tokens of a prompt that fits into the context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mistral_tui.engines.gguf.media.places import Medium, marked
from mistral_tui.engines.gguf.text.open_reply import written_beginning
from mistral_tui.engines.gguf.text.transcript import Transcript
from mistral_tui.engines.gguf.text.vocabulary import Vocabulary
from mistral_tui.models.chat_template import ChatTemplate, TemplateArguments
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Message
from mistral_tui.types.requests import GenerateRequest

_NO_MEDIA: Final[Mapping[str, Medium]] = {}
_LEAST_REPLY: Final = 16
"""A prompt that leaves less room than this for the reply is refused."""
_MOST_CHARACTERS: Final = 32
"""Characters that a token stands for at most, taken over a whole chat. Turns beyond the context by this measure are not
even rendered: the first prompt of a chat of 10,000 messages would hold up all others for seconds."""

_RECOGNISED: Final = 80
"""Characters by which a message is found in the text of a prompt."""
_INSTEAD_OF_STOP: Final = (
    "let the oldest turns be left out (--context-policy drop, or /context), or load the model with a larger --n-ctx"
)


@dataclass(frozen=True)
class Prompt:
    """A prompt that is ready to be computed."""

    transcript: Transcript
    left_out: int
    """How many of the oldest messages are not part of it."""
    first_kept: str | None
    """Id of the first message after those, or `None` if none was left out."""
    system: int = 0
    """How many first tokens stay when the context is shifted: those of the system messages."""


class PromptWriter:
    """Renders, tokenizes, and leaves out the oldest turns when the context is full.

    A turn is a user message and what follows it. The system messages at the beginning and the last turn always
    stay. When turns must go, so many go that half of the context is free: otherwise every turn of a long chat would
    move the beginning and make the whole prompt be computed anew. With the policy `stop` none goes.
    """

    def __init__(self, template: ChatTemplate, vocabulary: Vocabulary, n_ctx: int) -> None:
        self._template = template
        self._vocabulary = vocabulary
        self._n_ctx = n_ctx

    @property
    def chat_template(self) -> ChatTemplate:
        """What renders the prompts; for the thread that writes them."""
        return self._template

    @property
    def template(self) -> str:
        """The text of the chat template."""
        return self._template.text

    def write(
        self,
        request: GenerateRequest,
        known: Sequence[Transcript],
        first_kept: str | None,
        media: Mapping[str, Medium] = _NO_MEDIA,
    ) -> Prompt:
        """Return the prompt for `request`.

        Args:
            request: What was asked.
            known: What the KV cache holds, that of this chat first: what a prompt begins as it does is not
                tokenized again.
            first_kept: `Prompt.first_kept` of the chat's last prompt.
            media: The pictures and recordings of the request, by the path of their files.

        Raises:
            InvalidRequest: There are no messages, or the last one alone does not fit.
            BadChatTemplate: The template fails.
        """
        if not request.messages:
            raise InvalidRequest("there is no message to answer; write one")
        arguments = TemplateArguments.of(request)
        by_key = {medium.key: medium for medium in media.values()}
        # The beginning of a reply that is to go on follows what the template writes before a reply.
        asked = request.messages[:-1] if request.continues else request.messages
        beginning = written_beginning(request, self._template, self._vocabulary) if request.continues else None
        if not asked:
            raise InvalidRequest("there is no message that the reply could answer; write one")
        system, turns = _turns(marked(asked, media))
        stops = request.context_policy == "stop"
        begin = next((index for index, turn in enumerate(turns) if first_kept in {m.id for m in turn}), 0)

        def prompt(begin: int) -> Prompt:
            kept = [message for turn in turns[begin:] for message in turn]
            text = self._template.render(
                (*system, *kept),
                self._vocabulary.bos_text,
                self._vocabulary.eos_text,
                arguments=arguments,
                literal=self._vocabulary.literal,
            )
            if beginning is not None:
                text += beginning.after(text)
            previous = max(known, key=lambda transcript: transcript.shares(text), default=Transcript())
            transcript, _ = previous.followed_by(text, self._vocabulary, by_key)
            left_out = sum(map(len, turns[:begin]))
            return Prompt(transcript, left_out, kept[0].id if left_out else None)

        wanted = request.sampling.max_tokens
        reserve = min(wanted or self._n_ctx, self._n_ctx // 4)
        fitting = _first_that_may_fit(turns, self._n_ctx * _MOST_CHARACTERS)
        if stops and fitting:
            raise InvalidRequest(f"the chat is longer than the context of {self._n_ctx:,} tokens; {_INSTEAD_OF_STOP}")
        written = prompt(0 if stops else max(begin, fitting))
        if len(written.transcript.tokens) + reserve > self._n_ctx and not stops:
            most = min(self._n_ctx // 2, self._n_ctx - reserve)
            # The fewest turns to leave out, by halving; the last turn stays, fit or not.
            low, high = max(begin, fitting) + 1, len(turns) - 1
            while low <= high:
                middle = (low + high) // 2
                shorter = prompt(middle)
                fits = len(shorter.transcript.tokens) <= most
                if fits or middle == len(turns) - 1:
                    written = shorter
                if fits:
                    high = middle - 1
                else:
                    low = middle + 1
        self._check(len(written.transcript.tokens), min(reserve, _LEAST_REPLY), stops and len(turns) > 1)
        if request.context_policy == "shift":
            first = next((turn for turn in turns if written.first_kept in {m.id for m in turn}), turns[0])
            return replace(written, system=self._system_tokens(written.transcript, first[0].text))
        return written

    def _system_tokens(self, transcript: Transcript, first: str) -> int:
        """Return how many tokens of a prompt come before its first user message."""
        text = transcript.text
        place = text.find(first.strip()[:_RECOGNISED])
        before = [mark for mark in transcript.marks if mark.place <= place]
        if not before:
            return 1 if transcript.tokens and self._vocabulary.is_control(transcript.tokens[0]) else 0
        if self._template.takes_system:
            return before[-1].token
        # There the system message is the beginning of the first user message.
        return before[-1].token + len(self._vocabulary.tokenize(text[before[-1].place : place], beginning=False))

    def _check(self, tokens: int, reply: int, stops: bool) -> None:
        if tokens == 0:
            raise InvalidRequest("the chat template makes an empty prompt; choose another with --chat-template")
        if tokens + reply > self._n_ctx and stops:
            raise InvalidRequest(
                f"the chat takes {tokens:,} tokens, but the context holds {self._n_ctx:,} with the reply; "
                f"{_INSTEAD_OF_STOP}"
            )
        if tokens + reply > self._n_ctx:
            raise InvalidRequest(
                f"the message takes {tokens:,} tokens, but the context holds {self._n_ctx:,} with the reply; "
                "shorten it, or load the model with a larger --n-ctx"
            )


def _first_that_may_fit(turns: Sequence[Sequence[Message]], characters: int) -> int:
    """Return the first of the last turns that have no more than so many characters together."""
    first = len(turns)
    while first and characters >= 0:
        first -= 1
        # A message is a token at least, however short it is.
        characters -= sum(max(len(message.text), _MOST_CHARACTERS) for message in turns[first])
    return first if characters >= 0 else min(first + 1, len(turns) - 1)


def _turns(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """Return the system messages at the beginning, and the rest in groups that begin with a user message."""
    first = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    turns: list[list[Message]] = []
    for message in messages[first:]:
        if not turns or (message.role == "user" and any(earlier.role == "user" for earlier in turns[-1])):
            turns.append([])
        turns[-1].append(message)
    return list(messages[:first]), turns
