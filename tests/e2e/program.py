"""Runs the real program to its end, without a terminal."""

import os
import subprocess
import sys
from pathlib import Path

from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message

PATIENCE = 60.0
"""Seconds after which a program that has not ended has failed the test."""


def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run `mistral-tui` with these arguments and return what it wrote."""
    return subprocess.run(
        [sys.executable, "-m", "mistral_tui", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def database() -> Path:
    """Return the database that the program uses in this test."""
    return Path(os.environ["MISTRAL_TUI_DATABASE"])


def stored_messages() -> list[Message]:
    """Return the messages of the latest session; empty if there is none."""
    store = Store(database())
    try:
        latest = store.sessions(limit=1)
        return store.messages(latest[0].id) if latest else []
    finally:
        store.close()
