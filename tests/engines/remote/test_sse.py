"""Server-sent events: what is an event, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.engines.remote.sse import LONGEST, EventReader, TooLong

pytestmark = pytest.mark.core

EVENTS = [
    (b"data: a\n\n", ["a"]),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    (b"data:a\ndata: b\n\n", ["a\nb"]),
    (b"data:  a\n\n", [" a"]),
    (b": keep-alive\n\n:\n\ndata: a\n\n", ["a"]),
    (b"event: ping\nid: 1\nretry: 5\n\ndata: a\n\n", ["a"]),
    (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    (b"data: a", ["a"]),
    (b"data: a\ndat", ["a"]),
    (b"data: \xff\xfe\n\n", ["\ufffd\ufffd"]),
    ("data: größe 😀\n\n".encode(), ["größe 😀"]),
    (b'{"error": "x"}\n', ['{"error": "x"}']),
    (b"<html>\n<body>garbage\n\n\0\1\2", []),
    (b"", []),
    (b"\n\n\r\n\r", []),
]


def read(*pieces: bytes) -> list[str]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.flush()


@pytest.mark.parametrize(("data", "events"), EVENTS, ids=range(len(EVENTS)))
def test_events_are_found(data: bytes, events: list[str]) -> None:
    assert read(data) == events
    assert read(*(data[place : place + 1] for place in range(len(data)))) == events


@given(st.lists(st.sampled_from([data for data, _ in EVENTS] + [b"\r", b"\n", b"data:", b":", b"x"])), st.data())
def test_any_cutting_gives_the_same_events(parts: list[bytes], draw: st.DataObject) -> None:
    data = b"".join(parts)
    places = sorted(draw.draw(st.lists(st.integers(0, len(data)))))
    pieces = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
    assert read(*pieces) == read(data)


def test_an_event_is_there_as_soon_as_its_last_byte() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\r\n\r") == ["a"]
    assert reader.feed(b"\n") == []


@pytest.mark.parametrize("line", [b"x" * 70_000, b"data: " + b"x" * 70_000 + b"\n"], ids=["one line", "many lines"])
def test_an_event_without_end_is_given_up(line: bytes) -> None:
    reader = EventReader()
    with pytest.raises(TooLong):
        for _ in range(LONGEST // 70_000 + 2):
            reader.feed(line)
