"""How likely the tokens of replies were, and what else could have stood in their place. Kept in memory only."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.events import ReplyStarted, TokenChance, TokenScored, TurnEvent
from mistral_tui.types.messages import Message, Part, ReasoningPart, TextPart

ALTERNATIVES = 6
"""How many of the likeliest tokens are asked for in the place of each."""


@dataclass
class ScoredReply:
    """The tokens of one reply: those of marks around reasoning and the one that ended it are among them."""

    lead: str = ""
    """What it began with and no token was scored of."""
    tokens: list[TokenScored] = field(default_factory=list)


class TokenScores:
    """The scored replies of a chat."""

    def __init__(self) -> None:
        self._replies: dict[str, ScoredReply] = {}
        self._writing: ScoredReply | None = None
        self._given: Sequence[TokenScored] = ()

    def of(self, message_id: str) -> ScoredReply | None:
        """Return the tokens of a reply; `None` if it was written without scores."""
        scored = self._replies.get(message_id)
        return scored if scored is not None and scored.tokens else None

    def give(self, tokens: Sequence[TokenScored]) -> None:
        """The next reply begins with these."""
        self._given = tokens

    def follow(self, event: TurnEvent) -> None:
        """Keep what a turn tells of its tokens."""
        match event:
            case ReplyStarted(message):
                self._writing = self._begin(message)
                self._given = ()
            case TokenScored() if self._writing is not None:
                self._writing.tokens.append(event)

    def _begin(self, reply: Message) -> ScoredReply:
        written = _text_of(reply.parts)
        scored = self.of(reply.id)
        if scored is not None:
            # What had ended it is no longer part of it.
            while scored.tokens and not written.encode().endswith(scored.tokens[-1].chosen.data):
                scored.tokens.pop()
        if scored is None or not scored.tokens:
            scored = ScoredReply("" if self._given else written, list(self._given))
        self._replies[reply.id] = scored
        return scored


def parts_up_to(reply: Message, scored: ScoredReply, index: int, instead: TokenChance) -> tuple[Part, ...]:
    """Return the beginning of a reply up to one of its tokens, with another token in the place of that one.

    Raises:
        InvalidRequest: No text ends there, or none goes on with that token.
    """
    if instead.control:
        raise InvalidRequest("that token is a mark, such as the one that ends a reply; choose another")
    data = [token.chosen.data for token in scored.tokens]
    known = scored.lead.encode() + b"".join(data)
    offset = len(scored.lead.encode()) + sum(map(len, data[:index]))
    whole: list[Part] = []
    place = 0
    for part in reply.parts:
        if not isinstance(part, TextPart | ReasoningPart):
            break
        begin = known.find(part.text.encode(), place)
        place = begin + len(part.text.encode())
        if not 0 <= begin <= offset:
            break
        if offset < place or (offset == place and part is reply.parts[-1]):
            try:
                text = (known[begin:offset] + instead.data).decode()
            except UnicodeDecodeError:
                raise InvalidRequest("that token is a piece of a character; choose another") from None
            return (*whole, msgspec.structs.replace(part, text=text))
        whole.append(part)
    raise InvalidRequest("no text of the reply ends there; choose a token of the text")


def _text_of(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart | ReasoningPart))
