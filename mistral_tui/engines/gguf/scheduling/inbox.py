"""What other threads ask of the engine thread."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.scheduling.generation import Generation


class News(NamedTuple):
    """What has come since the last look."""

    arrivals: list[Generation]
    forgotten: list[str]
    """Ids of chats of which nothing is to be kept."""
    stopped: bool
    idle: bool
    """Nothing has come: the time to wait was over."""


class Inbox:
    """Holds requests, cancellations and the end until the engine thread takes them. For any thread.

    Args:
        context: What the engine thread may be computing with: a cancellation does not wait for it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = threading.Condition()
        # All of these under the lock of `_changed`.
        self._news = False
        self._arrivals: list[Generation] = []
        self._forgotten: list[str] = []
        self._living: dict[str, Generation] = {}
        self._stopped = False

    def put(self, generation: Generation) -> bool:
        """Take a request; `False`: the engine has ended."""
        with self._changed:
            if not self._stopped:
                self._arrivals.append(generation)
                self._living[generation.request.id] = generation
                self._tell()
            return not self._stopped

    def cancel(self, request_id: str) -> None:
        """Stop a request, also in the middle of its prompt."""
        with self._changed:
            if generation := self._living.get(request_id):
                generation.cancelled = True
                self._context.abort()
                self._tell()

    def forget(self, chat_id: str) -> None:
        """Have all that is kept of a chat released."""
        with self._changed:
            self._forgotten.append(chat_id)
            self._tell()

    def stop(self) -> None:
        """Take no more requests, and have the engine thread end."""
        with self._changed:
            self._stopped = True
            self._context.abort()
            self._tell()

    def wake(self) -> None:
        """Have the engine thread look again at what it can do."""
        with self._changed:
            self._tell()

    # For the engine thread

    @property
    def has_news(self) -> bool:
        """Whether `take` would return at once."""
        return self._news

    def take(self, busy: Callable[[], bool], seconds: Callable[[], float | None]) -> News:
        """Return what has come; while there is nothing to do, wait for it.

        Args:
            busy: Whether there is something to do without news.
            seconds: How long to wait at most; `None`: for as long as it takes.
        """
        with self._changed:
            while not self._news and not busy():
                if not self._changed.wait(seconds()):
                    break
            news = News(self._arrivals, self._forgotten, self._stopped, not self._news)
            self._arrivals, self._forgotten, self._news = [], [], False
            self._context.allow()
            return news

    def done(self, generation: Generation) -> None:
        """A request has ended, and cannot be cancelled any more."""
        with self._changed:
            self._living.pop(generation.request.id, None)

    def close(self) -> list[Generation]:
        """Take nothing from now on, and return the requests that were not taken."""
        with self._changed:
            self._stopped = True
            return self._arrivals

    def _tell(self) -> None:
        self._news = True
        self._changed.notify()
