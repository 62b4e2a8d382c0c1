"""Typing quickly in a real pseudo-terminal: keys that arrive in one piece with others."""

import sys

import pytest

from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]


def test_a_sentence_in_one_piece_with_a_split_is_whole_in_the_new_pane() -> None:
    with Terminal.mistral_tui(rows=30, columns=150) as terminal:
        terminal.wait_for("ctrl+n")
        for number in range(10):
            sentence = f"sentence {number} stays in one piece"
            terminal.type(f"\x13v{sentence}")
            terminal.wait_for(sentence)
            row = next(line for line in terminal.lines if sentence in line)
            assert row.index(sentence) > 80, "in the pane at the right"
            terminal.type("\x15\x13x")
            terminal.wait_until(lambda: "│" not in terminal.text, "one pane again")


def test_alt_with_a_letter_and_an_arrow_in_one_piece_types_nothing() -> None:
    with Terminal.mistral_tui(rows=24, columns=80) as terminal:
        terminal.wait_for("ctrl+n")
        terminal.type("one\x1b\rtwo\x1bi\x1b[A!")
        terminal.wait_for("this screen")
        terminal.wait_for("one!")
        assert "^" not in terminal.text
