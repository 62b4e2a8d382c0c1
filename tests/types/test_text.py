"""Text from outside: nothing of it may steer a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.types.text import printable, printable_line

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("Grüße, 世界 👩‍👧 العربية\u200f", "Grüße, 世界 👩‍👧 العربية\u200f"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;c2VjcmV0\x1b\\text", "text"),
        ("\x9d0;title\x9ctext", "text"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x1b(0text", "text"),
        ("\x1bctext", "text"),
        ("cut off\x1b", "cut off"),
        ("cut off\x1b[3", "cut off3"),
        ("unended\x1b]0;title", "unended0;title"),
        ("bell\x07 back\x08 null\x00 delete\x7f", "bell back null delete"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\x1b\x1b[[31m", "31m"),
    ],
)
def test_what_steers_is_gone_and_the_rest_stays(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_is_one_line() -> None:
    assert printable_line(" a\n\n b\u2028c\x1b[2J\t") == "a bc"


@given(st.text(alphabet=st.sampled_from("\x1b\x9b\x9d\x90\x9c[]0;m\\\x07\ra\n\u202e"), max_size=60))
def test_no_mixture_leaves_a_control_character(text: str) -> None:
    shown = printable(text)
    assert not set(shown) & set("\x1b\x9b\x9d\x90\x9c\x07\r\u202e")
    shown.encode()


def test_a_megabyte_of_introducers_takes_no_time() -> None:
    for introducer in ("\x1b]", "\x9d", "\x1b[", "\x9b0;", "\x1bP"):
        printable(introducer * 500_000)
