"""What a step is made of: commands to run and paths to remove."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

Output = Literal["log", "both", "terminal", "replace"]
"""Where a command's output goes.

`log`: to the log, and its end is shown when the command fails. `both`: shown as it comes and logged. `terminal`: the
command has the terminal, for a progress bar. `replace`: the command has the terminal and runs in place of the script.
"""


PIP_SETTINGS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}
"""Environment of every pip that we start: it asks nothing, and stays in `.venv` whatever the person's own settings."""


@dataclass(frozen=True)
class Command:
    """One process to run in the root of the checkout."""

    title: str
    """What it does, for the person who waits: "Checking types"."""
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment."""
    output: Output = "log"
    note: str = ""
    """Said beside the title when it takes long."""


@dataclass(frozen=True)
class Remove:
    """Files and folders to delete, as patterns relative to the root."""

    title: str
    patterns: tuple[str, ...]
    root: PurePath
