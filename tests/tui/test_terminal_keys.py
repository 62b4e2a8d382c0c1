"""Keys arrive as what they are from old and new terminals alike."""

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from mistral_tui.tui.terminal_keys import know_terminal_keys

pytestmark = pytest.mark.core

SENT = {
    "home": "\x1b[H \x1bOH \x1b[1~ \x1b[7~",  # xterm, its application mode, Linux and tmux, rxvt
    "end": "\x1b[F \x1bOF \x1b[4~ \x1b[8~",
    "ctrl+home": "\x1b[1;5H \x1b[7^",
    "ctrl+end": "\x1b[1;5F \x1b[8^",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "delete": "\x1b[3~",
    "ctrl+delete": "\x1b[3;5~ \x1b[3^",
    "up": "\x1b[A \x1bOA",
    "left": "\x1b[D \x1bOD",
    "ctrl+left": "\x1b[1;5D \x1bOd",
    "ctrl+right": "\x1b[1;5C \x1bOc",
    "alt+left": "\x1b[1;3D",
    "shift+left": "\x1b[1;2D \x1b[d",
    "ctrl+shift+right": "\x1b[1;6C",
    "shift+tab": "\x1b[Z",
    "enter": "\r \x1bOM",
    "ctrl+j": "\n",
    "shift+enter": "\x1b[13;2u",
    "alt+enter": "\x1b\r",
    "backspace": "\x7f \x08",  # the second is ctrl+backspace in xterm, too: a letter goes, never a word
    "ctrl+backspace": "\x1b[127;5u",
    "alt+backspace": "\x1b\x7f \x1b\x08",
    "alt+b": "\x1bb \x1b[98;3u",
    "alt+shift+b": "\x1bB",
    "alt+1": "\x1b1",
    "ctrl+a": "\x01 \x1b[97;5u",
    "f1": "\x1bOP \x1b[11~ \x1b[[A",  # xterm, PuTTY, the console of Linux
    "f2": "\x1bOQ \x1b[12~ \x1b[[B",
    "f4": "\x1bOS \x1b[14~ \x1b[[D",
    "f5": "\x1b[15~ \x1b[[E",
    **{f"f{number}": f"\x1b[{code}~" for number, code in zip(range(6, 13), (17, 18, 19, 20, 21, 23, 24), strict=True)},
}
"""What terminals send for a key, each way between spaces."""


@pytest.mark.parametrize(("key", "sequence"), [(key, each) for key, ways in SENT.items() for each in ways.split(" ")])
def test_a_key_is_known_by_what_terminals_send_for_it(key: str, sequence: str) -> None:
    know_terminal_keys()
    sent = [event for event in XTermParser().feed(f"{sequence}x") if isinstance(event, events.Key)]
    assert [event.key for event in sent] == [key, "x"]


def test_several_keys_in_one_write_are_told_apart() -> None:
    know_terminal_keys()
    sent = XTermParser().feed("\x1bm\x1b[A\x1bOP\x1b[1;5D\x7f\x1b\x7fq")
    assert [event.key for event in sent if isinstance(event, events.Key)] == [
        "alt+m", "up", "f1", "ctrl+left", "backspace", "alt+backspace", "q",
    ]  # fmt: skip
