"""Server-sent events, read from bytes that arrive in pieces; after the HTML standard's section 9.2.

Two habits of servers are borne with: a last event without its empty line, and an event that is a line of bare JSON.
"""

import re
from typing import Final

LONGEST: Final = 8 * 1024 * 1024
"""Most bytes of one event."""

_BREAK: Final = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"


class TooLong(Exception):
    """An event is longer than any that makes sense."""


class EventReader:
    """Takes the bytes of a stream in pieces of any size and returns the data of its events.

    However the bytes are cut, the events are the same. Bytes that are no UTF-8 become U+FFFD.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._length = 0
        self._begins = True
        self._after_return = False
        """Whether the last byte was a carriage return, so that a line feed belongs to it."""

    def feed(self, data: bytes) -> list[str]:
        """Take more bytes and return the events that are complete.

        Raises:
            TooLong: An event has more than `LONGEST` bytes.
        """
        if not data:
            return []
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
        self._after_return = data.endswith(b"\r") if data else False
        *ended, rest = _BREAK.split(data)
        events: list[str] = []
        for piece in ended:
            self._extend(piece)
            self._take_line(events)
        self._extend(rest)
        return events

    def flush(self) -> list[str]:
        """The stream has ended: return what was not closed by an empty line."""
        events: list[str] = []
        self._take_line(events)
        self._dispatch(events)
        return events

    def _extend(self, piece: bytes) -> None:
        self._line += piece
        if self._length + len(self._line) > LONGEST:
            raise TooLong

    def _take_line(self, events: list[str]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._begins:
            line = line.removeprefix(_BOM)
            self._begins = False
        if not line:
            self._dispatch(events)
        elif line.startswith(b"{"):
            self._dispatch(events)
            self._data.append(line)
            self._dispatch(events)
        else:
            name, _, value = line.partition(b":")
            if name == b"data":
                value = value.removeprefix(b" ")
                self._data.append(value)
                self._length += len(value) + 1

    def _dispatch(self, events: list[str]) -> None:
        if self._data:
            events.append(b"\n".join(self._data).decode("utf-8", "replace"))
            self._data.clear()
            self._length = 0
