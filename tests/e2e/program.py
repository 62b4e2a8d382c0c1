"""Runs the real program to its end, without a terminal."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message

PATIENCE = 60.0
"""Seconds after which a program that has not ended has failed the test."""


def run(*arguments: str, stdin: str = "", user: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """Run `mistral-tui` with these arguments and return what it wrote; `user` may be `ordinary_user()`."""
    return subprocess.run(
        [*user, sys.executable, "-m", "mistral_tui", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def ordinary_user() -> tuple[str, ...]:
    """Return what to put before a command so that the modes of files count for it, also if root runs the tests."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no such modes")
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may do everything, and there is no setpriv to take that away")
    return (setpriv, "--bounding-set=-dac_override,-dac_read_search")


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
