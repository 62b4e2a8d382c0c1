"""What a search over all messages asks for and finds."""

from typing import Literal

import msgspec

from mistral_tui.types.messages import Role

SearchOrder = Literal["newest", "relevance"]


class SearchHit(msgspec.Struct, frozen=True):
    """A message that was found."""

    session_id: str
    session_title: str
    message_id: str
    role: Role
    created_at: float
    """Seconds since the epoch."""
    archived: bool
    """Whether its session is archived."""
    snippet: tuple[tuple[str, bool], ...]
    """The words around the first match, as pieces of text that are a match or not."""
