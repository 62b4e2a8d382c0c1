"""What is known of the other side of a connection, whichever transport leads there."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

LONGEST_MESSAGE: Final = 8 * 2**20
"""Bytes of one message of a server."""
KEPT_LINES: Final = 200


@dataclass
class Peer:
    """A server at the other end of a connection, also after its end."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is gone."""
    refused: str = ""
    """Why the connection was given up."""
    in_vain: bool = False
    """Whether trying again would not help."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines that it wrote to standard error, or that were no messages."""

    @property
    def pid(self) -> int | None:
        """Its process id, if it was started here."""
        return None

    def give_up(self, why: str) -> None:
        """End the connection, for a reason that goes behind the server's name."""
        self.refused = self.refused or why
        self.ended.set()

    async def end_words(self) -> str:
        """Say how the connection ended, when it has."""
        return self.refused or "closed the connection"
