"""The worker's way out: frames and the events of all requests, written to the program by one thread.

Text is sent about thirty times a second and request, but the first text and the end of a reply go at once. A
request whose reader is behind sends nothing until it asks for more; the others go on.
"""

import os
import threading
import time
from collections import deque
from dataclasses import dataclass

from mistral_tui.engines import wire
from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.processes.frames import encode
from mistral_tui.types.events import Finished

SECONDS_BETWEEN_FRAMES = 1 / 30


@dataclass
class _Outlet:
    client: str
    request: str
    outbox: Outbox
    credit: int = wire.EVENTS_IN_FLIGHT
    due_at: float = 0.0

    def seconds_until_due(self, now: float) -> float | None:
        """Return how long to wait before sending; `None`: until something happens."""
        if self.outbox.empty:
            return None
        if self.outbox.finished:  # a bounded amount, so it needs nobody's leave
            return 0.0
        if self.credit == 0:
            return None
        return 0.0 if self.outbox.urgent else max(0.0, self.due_at - now)


class Delivery:
    """Writes to file descriptor `fd`. No method but `run` ever waits for the reader at the other end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._changed = threading.Condition()
        self._frames: deque[wire.FromWorker] = deque()
        self._outlets: dict[tuple[str, str], _Outlet] = {}

    def send(self, frame: wire.FromWorker) -> None:
        """Send a frame soon, before events that are put later."""
        with self._changed:
            self._frames.append(frame)
            self._changed.notify()

    def open(self, client: str, request: str) -> Outbox:
        """Return the outbox of a new request. It is closed by its last event."""
        outbox = Outbox(on_filled=self._notify)
        with self._changed:
            self._outlets[client, request] = _Outlet(client, request, outbox)
        return outbox

    def more(self, client: str, request: str) -> None:
        """The reader has used up a frame of events."""
        with self._changed:
            if outlet := self._outlets.get((client, request)):
                outlet.credit += 1
                self._changed.notify()

    def run(self) -> None:
        """Write until the process ends.

        Raises:
            OSError: The other end is gone.
            WireError: An engine has put something that cannot be sent.
        """
        while True:
            frames, outlets = self._wait()
            stream = b"".join(map(encode, frames))
            stream += b"".join(encode(self._events(outlet)) for outlet in outlets)
            while stream:
                stream = stream[os.write(self._fd, stream) :]

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify()

    def _wait(self) -> tuple[list[wire.FromWorker], list[_Outlet]]:
        """Wait until there is something to send."""
        with self._changed:
            while True:
                now = time.monotonic()
                waits = [(outlet.seconds_until_due(now), outlet) for outlet in self._outlets.values()]
                due = [outlet for wait, outlet in waits if wait == 0]
                if self._frames or due:
                    frames = list(self._frames)
                    self._frames.clear()
                    return frames, due
                self._changed.wait(min((wait for wait, _ in waits if wait is not None), default=None))

    def _events(self, outlet: _Outlet) -> wire.Events:
        events = outlet.outbox.take()
        with self._changed:
            outlet.credit -= 1
            outlet.due_at = time.monotonic() + SECONDS_BETWEEN_FRAMES
            if isinstance(events[-1], Finished):
                del self._outlets[outlet.client, outlet.request]
        return wire.Events(client=outlet.client, request=outlet.request, events=events)
