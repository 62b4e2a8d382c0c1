"""Typing quickly in a real pseudo-terminal: a chord and a sentence that arrive in one piece."""

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
