"""An hour of what a person does with the screen, in about a third of the time, and the memory that it costs.

Replies are written four times as fast as the scripted engine's usual rate, and nobody stops to read: what a person does
every six seconds is done as soon as the screen has come to rest. It is always the same hour: chance has a seed.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from benchmarks.harness import Figure, percentile
from benchmarks.interface import Interface
from benchmarks.memory import megabytes
from benchmarks.scripted import ONCE, RATE, TEXTS, TOKENS_PER_SECOND
from mistral_tui.store.store import Store

ACTIONS: Final = 600
"""One every six seconds."""
WITH_MODEL: Final = 100
"""Of them with a real model afterwards."""
SAMPLES: Final = 60
"""How often memory is looked at."""
PANES: Final = 3
SIZES: Final = ((36, 120), (24, 80), (50, 160), (30, 100), (36, 120))
DIALOGS: Final = ("alt+i", "alt+j", "f1", "alt+l", "alt+c", "f9", "alt+p", "alt+s", "alt+q")
_REST: Final = 0.2
"""Seconds without output after which the screen has come to rest; longer than an escape waits for what may follow."""
_PATIENCE: Final = 4.0


class Person:
    """Does one thing after the other, and comes back to the prompt after each."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._chance = random.Random(4)
        self._panes = 1
        self._done = 0
        self.memory: list[float] = []
        """Of the screen's process, in megabytes."""

    def work(self, actions: int) -> None:
        usual: dict[Callable[[], None], int] = {
            self.ask: 10,
            self.ask_again: 3,
            self.edit: 2,
            self.open_new: 3,
            self.go_back: 5,
            self.search: 3,
            self.change_panes: 3,
            self.change_tabs: 2,
            self.open_dialog: 5,
            self.look_for_a_command: 1,
            self.read_back: 4,
            self.read_messages: 3,
            self.fork: 1,
            self.delete: 1,
            self.resize: 2,
        }
        for number in range(actions):
            [what] = self._chance.choices(list(usual), list(usual.values()))
            what()
            self._come_back()
            if number % max(1, actions // SAMPLES) == 0:
                self.memory.append(self._used())
        self.memory.append(self._used())

    def ask(self) -> None:
        kind = self._chance.choice((*TEXTS, "all"))
        self._done += 1
        self._interface.press("ctrl+u")
        self._interface.type(f"{kind} in the answer to question {self._done}{self._chance.choice(('', ONCE))}")
        self._rest()
        self._interface.press("enter")
        self._wait_or_stop()

    def ask_again(self) -> None:
        self._interface.press("ctrl+r")
        self._wait_or_stop()

    def edit(self) -> None:
        self._press("alt+m", "up")
        self._interface.type("e")
        self._rest()
        self._interface.type("At length: ")
        self._interface.press("enter")
        self._wait_or_stop()

    def open_new(self) -> None:
        self._interface.press("ctrl+n")

    def go_back(self) -> None:
        self._press("f2", "home", *["down"] * self._chance.randrange(12), "enter")

    def search(self) -> None:
        self._press("alt+h", "ctrl+u")
        self._interface.type(self._chance.choice(("paragraph", "total_7", "question", "point number", "nothing of it")))
        self._press(*["down"] * self._chance.randrange(1, 5), "enter")
        self._press("alt+h", "ctrl+u")

    def change_panes(self) -> None:
        """Split, close, or go to another."""
        if self._panes < PANES and self._chance.random() < 0.5:
            self._panes += 1
            self._chord(self._chance.choice("vs"))
        elif self._panes > 1:
            self._panes -= 1
            self._chord("x")
        self._chord(self._chance.choice("oz"))

    def change_tabs(self) -> None:
        self._chord("t")
        self.ask()
        self._chord(self._chance.choice("np"))
        self._chord("n")
        self._chord("X")

    def open_dialog(self) -> None:
        self._press(key := self._chance.choice(DIALOGS))
        self._press(*["down"] * 3)
        if key == "alt+i":
            self._press(key)  # a panel, which would stay

    def look_for_a_command(self) -> None:
        self._press("ctrl+p")
        self._interface.type("chat")
        self._rest()

    def read_back(self) -> None:
        self._press(*["pageup"] * self._chance.randrange(1, 9))
        self._press(*self._chance.choice((("f3", "f4"), ("f4",), ("pageup", "f4"))))

    def read_messages(self) -> None:
        self._press("alt+m", *["up"] * self._chance.randrange(4))
        self._interface.type(self._chance.choice(("v", " ", "c", "1", "h", "l", "t")))
        self._rest()

    def fork(self) -> None:
        self._press("f2", "alt+y")

    def delete(self) -> None:
        """Delete a chat, and at times bring it back; pin another, and look at the archive."""
        self._press("f2", "home", "down", "alt+k", "down", "delete")
        if self._chance.random() < 0.5:
            self._press("alt+u")
        self._press("alt+v", "alt+v")

    def resize(self) -> None:
        self._interface.resize(*self._chance.choice(SIZES))

    def _wait_or_stop(self) -> None:
        """Wait for a reply, for some time."""
        interface = self._interface
        self._rest()
        waited = 0.0
        while "esc stop" in interface.text and waited < _PATIENCE:
            interface.read_for(0.5)
            waited += 0.5
        if "esc stop" in interface.text:
            self._press("esc")

    def _chord(self, key: str) -> None:
        self._interface.press("ctrl+s")
        self._interface.type(key)
        self._rest()

    def _press(self, *keys: str) -> None:
        for key in keys:
            self._interface.press(key)
            self._rest()

    def _rest(self) -> None:
        """Wait until nothing more is drawn, but not for a reply."""
        for _ in range(5):
            seen = len(self._interface.raw)
            self._interface.read_for(_REST)
            if len(self._interface.raw) == seen:
                break

    def _come_back(self) -> None:
        """Close what is open and go to the prompt, where every action begins."""
        self._press("esc", "esc")
        if self._interface.process.poll() is not None:
            raise RuntimeError(f"the interface has ended:\n{self._interface.text}")

    def _used(self) -> float:
        return megabytes(psutil.Process(self._interface.process.pid))


def _written() -> tuple[int, int]:
    """Return how many chats there are now, and how many messages."""
    store = Store(Path(os.environ["MISTRAL_TUI_DATABASE"]))
    try:
        sessions = store.sessions(limit=10_000)
        return len(sessions), sum(len(store.messages(session.id)) for session in sessions)
    finally:
        store.close()


def _hour(interface: Interface, actions: int, engine: str) -> list[Figure]:
    with interface:
        interface.wait_until_painted()
        interface.wait_until(lambda: "starting" not in interface.text, "the engine")
        person = Person(interface)
        person.work(actions)
    chats, messages = _written()
    memory = person.memory
    print(f"  {engine}: {chats} chats with {messages} messages; MB: {' '.join(f'{used:.0f}' for used in memory)}")
    third = len(memory) // 3
    return [
        Figure(f"screen process after {actions} actions, {engine}", memory[-1], "MB", memory[0], budget=120),
        Figure(
            "  its last third (reference: the third before)",
            percentile(memory[-third:], 50),
            "MB",
            reference=percentile(memory[third : 2 * third], 50),
            # What is longer than a few minutes old costs nothing any more.
            budget=1.1 if actions == ACTIONS else None,
            of_ratio=True,
        ),
    ]


def run(quick: bool) -> list[Figure]:
    actions, with_model = (20, 5) if quick else (ACTIONS, WITH_MODEL)
    return [
        *_hour(Interface.with_script({RATE: str(4 * TOKENS_PER_SECOND)}), actions, "scripted engine"),
        *_hour(Interface.with_model(), with_model, "real model"),
    ]
