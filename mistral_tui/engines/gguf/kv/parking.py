"""Chats that have left the context and wait in memory.

The sequences of a context share one range of cells, and attention goes over all of it up to the last one in use: on a
CPU an idle chat of 4,000 tokens makes a short one more than twice as slow. So idle chats leave when another one is
answered, and come back in a hundredth of the time that it takes to compute them.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

from mistral_tui.engines.gguf.kv.cache import SavedChat
from mistral_tui.engines.gguf.text.transcript import Transcript, common_length
from mistral_tui.types.models import Adapter

MOST_BYTES: Final = 256 * 2**20


class ParkedPrefix(NamedTuple):
    """The first tokens of a prompt, where a parked chat has them."""

    chat_id: str
    length: int


class Parking:
    """The parked chats.

    Args:
        most_bytes: What they may take together; the longest unused go first.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._chats: OrderedDict[str, SavedChat] = OrderedDict()

    @property
    def transcripts(self) -> list[Transcript]:
        """What the chats are about."""
        return [chat.transcript for chat in self._chats.values()]

    def put(self, chat_id: str, chat: SavedChat) -> None:
        """Park a chat."""
        self._chats.pop(chat_id, None)
        self._chats[chat_id] = chat
        while sum(len(parked.state) for parked in self._chats.values()) > self.most_bytes:
            self._chats.popitem(last=False)

    def take(self, chat_id: str) -> SavedChat | None:
        """Return a chat if it is here; then it is not here any more."""
        return self._chats.pop(chat_id, None)

    def longest(self, tokens: list[int], adapters: tuple[Adapter, ...]) -> ParkedPrefix:
        """Return which chat begins as a prompt does, for the most tokens."""
        found = [
            ParkedPrefix(chat_id, min(common_length(chat.transcript.tokens, tokens), chat.computed))
            for chat_id, chat in self._chats.items()
            if chat.adapters == adapters
        ]
        return max(found, key=lambda prefix: prefix.length, default=ParkedPrefix("", 0))
