"""Pasted text presses no key, however the terminal cuts it into pieces."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser

from mistral_tui.tui.pastes import Pastes, keep_pastes_text

pytestmark = pytest.mark.core

START, END = "\x1b[200~", "\x1b[201~"
HOSTILE = "a\x1b[31mb\x1bOPc\x1bq\x1b]0;title\x07d\x1b[A\x1b[20e\r\x1b"


@pytest.fixture(autouse=True)
def parser_as_in_the_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(XTermParser, "feed", XTermParser.feed)
    keep_pastes_text()
    yield


def received(pieces: list[str]) -> list[str]:
    parser = XTermParser()
    got = [event for piece in pieces for event in parser.feed(piece)]
    return [
        event.text if isinstance(event, events.Paste) else event.key
        for event in got
        if hasattr(event, "key") or isinstance(event, events.Paste)
    ]


@given(st.lists(st.integers(0, 60), max_size=6))
def test_a_paste_is_one_text_wherever_it_is_cut(cuts: list[int]) -> None:
    sent = f"x{START}{HOSTILE}{END}y"
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    pieces = [sent[begin:end] for begin, end in pairwise(places)]
    assert received(pieces) == ["x", HOSTILE.replace("\x1b", "␛"), "y"]


def test_keys_outside_of_pastes_come_at_once() -> None:
    pastes = Pastes()
    assert [pastes.harmless(each) for each in ("\x1b", "[A", "\x1b[20", "q")] == ["\x1b", "[A", "\x1b[20", "q"]


def test_the_end_of_all_input_reaches_the_parser() -> None:
    parser = XTermParser()
    assert list(parser.feed("")) == []
    assert parser.is_eof
