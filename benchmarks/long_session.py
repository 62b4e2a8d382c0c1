"""From the key that opens a session of 10,000 messages to its end on the screen."""

import os
import time
from pathlib import Path

from benchmarks.harness import Figure, percentile
from benchmarks.interface import Interface
from benchmarks.scripted import TEXT
from mistral_tui.chat.conversation import Conversation
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session

MESSAGES = 10_000


def write_session(title: str, messages: int, last_words: str, when: float) -> None:
    """Store a session of so many messages, the last of which ends with `last_words`."""
    conversation = Conversation(Session(title=title))
    for number in range(messages // 2):
        conversation.append(Message("user", (TextPart(f"Question {number}?"),), created_at=when))
        text = f"{TEXT}\n\n{last_words}" if number == messages // 2 - 1 else f"Answer {number}. {TEXT}"
        conversation.append(Message("assistant", (TextPart(text),), created_at=when, finish="stop"))
    store = Store(Path(os.environ["MISTRAL_TUI_DATABASE"]))
    store.save(conversation.session, conversation.messages)
    store.close()


def run(quick: bool) -> list[Figure]:
    now = time.time()
    Path(os.environ["MISTRAL_TUI_DATABASE"]).parent.mkdir(parents=True, exist_ok=True)
    write_session("the short one", 2, "Here the short one ends.", now - 1)
    write_session("the long one", MESSAGES, "Here the long one ends.", now)
    long, short = [], []
    for _ in range(1 if quick else 5):
        with Interface.with_script() as interface:
            interface.wait_until_painted()
            long.append(_open(interface, "the long one", ["home"]))
            short.append(_open(interface, "the short one", ["home", "down"]))
    return [
        Figure(
            f"opening {MESSAGES:,} messages (reference: 2)",
            percentile(long, 50),
            "ms",
            reference=percentile(short, 50),
            budget=300,
        )
    ]


def _open(interface: Interface, title: str, keys: list[str]) -> float:
    """Open the session that these keys lead to in the list, and return the milliseconds until its end is seen."""
    interface.press("f2")
    interface.wait_for(title)
    interface.read_for(0.5)
    interface.press(*keys)
    interface.read_for(0.5)
    last_words = f"Here {title} ends."
    seen = len(interface.raw)
    started = time.perf_counter()
    interface.press("enter")
    while last_words.encode() not in interface.raw[seen:]:
        interface.read_raw(1.0)
        if time.perf_counter() - started > 20:
            interface.read(0)
            raise RuntimeError(f"{last_words!r} never appeared:\n{interface.text}")
    return 1000 * (time.perf_counter() - started)
