"""The first 50 hits among 100,000 messages: rare words, words of every message, beginnings of words, phrases."""

import os
import random
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.harness import Figure, percentile
from mistral_tui.store.database import Database
from mistral_tui.store.rows import first_number
from mistral_tui.store.store import Store
from mistral_tui.types.search import SearchOrder

MESSAGES = 100_000
SESSIONS = 1_000
WORDS_EACH = 60
BUDGET = 50.0
EVERYWHERE = "always"
"""A word that is in every message."""


def run(quick: bool) -> list[Figure]:
    path = Path(os.environ["MISTRAL_TUI_DATABASE"])
    path.parent.mkdir(parents=True, exist_ok=True)
    messages = MESSAGES // 10 if quick else MESSAGES
    words = fill(path, messages)
    store = Store.open(path)
    plain = sqlite3.connect(path)
    rounds = 3 if quick else 15
    queries: tuple[tuple[str, str, SearchOrder], ...] = (
        ("a word of every message", f"{EVERYWHERE} ", "newest"),
        ("the same while it is typed", EVERYWHERE[:4], "newest"),
        ("its first letter", EVERYWHERE[:1], "newest"),
        ("a frequent and a rare word", f"{EVERYWHERE} {words[-1]} ", "newest"),
        ("the beginning of many words", words[0][:3], "newest"),
        ("a phrase", f'"{EVERYWHERE} {words[0]}"', "newest"),
        ("nothing to be found", "zzzzzz", "newest"),
        ("a word of every message, best first", f"{EVERYWHERE} ", "relevance"),
    )
    figures = []
    for name, query, order in queries:
        taken = [_milliseconds(partial(store.search, query, 50, order)) for _ in range(rounds)]
        like = f"%{query.strip().strip(chr(34)).split()[-1]}%"
        scan = _milliseconds(partial(_scan, plain, like))
        figures.append(
            Figure(
                f"{messages:,} messages: {name}",
                percentile(taken, 95),
                "ms",
                reference=scan,
                budget=BUDGET if order == "newest" else None,
            )
        )
    plain.close()
    store.close()
    return figures


def fill(path: Path, messages: int) -> list[str]:
    """Store so many messages; return their words, the most frequent first."""
    chance = random.Random(1)
    letters = "abcdefghilmnoprstuvz"
    words = list({"".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(20_000)})
    # Words of a language: the n-th is about n times as rare as the first.
    weights = [1 / (rank + 1) for rank in range(len(words))]
    database = Database(path)
    now = time.time()
    with database.writing() as connection:
        connection.executemany(
            "INSERT INTO sessions (id, title, started_at, updated_at) VALUES (?, ?, ?, ?)",
            [(f"s{number}", f"Session {number}", now, now) for number in range(SESSIONS)],
        )
        for number in range(messages):
            text = " ".join([EVERYWHERE, *chance.choices(words, weights, k=WORDS_EACH)])
            when = now - (messages - number) * 60
            connection.execute(
                "INSERT INTO messages (seq, id, session_id, role, parts, created_at) VALUES (?, ?, ?, 'user', ?, ?)",
                (
                    first_number(when),
                    f"m{number}",
                    f"s{number * SESSIONS // messages}",
                    msgspec.json.encode([{"type": "text", "text": text}]).decode(),
                    when,
                ),
            )
            connection.execute("INSERT INTO message_index (rowid, content) VALUES (?, ?)", (first_number(when), text))
    database.close()
    return words


def _scan(connection: sqlite3.Connection, like: str) -> None:
    """The plainest way: look at every message until 50 are found."""
    connection.execute("SELECT id FROM messages WHERE parts LIKE ? ORDER BY seq DESC LIMIT 50", (like,)).fetchall()


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
