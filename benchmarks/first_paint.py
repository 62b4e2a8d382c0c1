"""From the shell to a screen with something on it, in a pseudo-terminal, beside an empty Textual app."""

import sys
import time

from benchmarks.harness import Figure, take_turns
from benchmarks.subject import PROGRAM, find_model
from tests.e2e.terminal import Terminal

BARE = """
from textual.app import App
from textual.widgets import Label
class Bare(App):
    def compose(self):
        yield Label("here")
Bare().run()
"""


def first_paint(command: tuple[str, ...], environment: dict[str, str] | None = None) -> float:
    """Return the milliseconds from the start of `command` until there is text on the screen."""
    with Terminal(command, environment=environment) as terminal:
        terminal.wait_until(lambda: terminal.text.strip(), "anything on the screen")
        return 1000 * (time.monotonic() - terminal.started)


def run(quick: bool) -> list[Figure]:
    measured = take_turns(
        {
            "bare": lambda: first_paint((sys.executable, "-c", BARE)),
            "ours": lambda: first_paint((*PROGRAM, "-m", str(find_model()))),
        },
        rounds=2 if quick else 9,
    )
    return [Figure("first paint", measured["ours"], "ms", reference=measured["bare"], budget=400)]
