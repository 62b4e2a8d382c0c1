"""Telling the person of a long reply that ended while the terminal was not in front."""

import time
from collections.abc import Callable

from mistral_tui.chat.live import LiveChat
from mistral_tui.types.text import printable_line

LONG = 5.0
"""Seconds from which a reply is long."""


class Away:
    """Knows since when each chat answers.

    Args:
        is_away: Whether another window is in front; terminals that do not say so always are.
        tell: Tells the person a line.
        clock: Seconds.
    """

    def __init__(
        self, is_away: Callable[[], bool], tell: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_away = is_away
        self._tell = tell
        self._clock = clock
        self._since: dict[str, float] = {}

    def look_at(self, chat: LiveChat) -> None:
        """A chat may have begun or ended a turn."""
        chat_id = chat.conversation.session.id
        if chat.busy:
            self._since.setdefault(chat_id, self._clock())
            return
        began = self._since.pop(chat_id, None)
        if began is None or not self._is_away() or self._clock() - began < LONG:
            return
        title = printable_line(chat.conversation.session.title) or "a chat"
        self._tell(f"{title}: {'the reply failed' if chat.failed else 'the reply is there'}")
