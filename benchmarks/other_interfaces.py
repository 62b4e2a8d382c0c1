"""Start-up and memory beside other terminal chats in the same run; theirs load no model before they are asked to."""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.harness import Figure, percentile
from benchmarks.memory import megabytes
from benchmarks.peer_environment import folder_of
from benchmarks.subject import PROGRAM, find_model
from tests.e2e.terminal import Terminal

OTHERS = {"elia": ("elia-chat", "1.10.0"), "oterm": ("oterm", "0.26.1")}
"""Their programs, with the packages and versions that bring them."""
_SETTLED = 2.0
"""Seconds after the first paint until memory is looked at."""


@dataclass(frozen=True)
class Start:
    """How a program started."""

    milliseconds: float
    """From the shell to the first text on the screen."""
    megabytes: float


def start(command: tuple[str, ...], home: Path) -> Start:
    """Start a program in a pseudo-terminal, with a home folder of its own."""
    with Terminal(command, environment={"HOME": str(home)}) as terminal:
        terminal.wait_until(lambda: terminal.text.strip(), "anything on the screen")
        milliseconds = 1000 * (time.monotonic() - terminal.started)
        terminal.read_for(_SETTLED)
        return Start(milliseconds, megabytes(psutil.Process(terminal.process.pid)))


def run(quick: bool) -> list[Figure]:
    commands: dict[str, tuple[str, ...]] = {"ours": (*PROGRAM, "-m", str(find_model()))}
    for name, (package, version) in OTHERS.items():
        if programs := folder_of(package, version):
            commands[name] = (str(programs / name),)
    starts: dict[str, list[Start]] = {name: [] for name in commands}
    with TemporaryDirectory(prefix="mistral-tui-peers-") as home:
        # The first start of each makes its database and fills the file cache.
        for _ in range(2 if quick else 6):
            for name, command in commands.items():
                starts[name].append(start(command, Path(home)))

    def median(name: str, figure: str) -> float:
        return percentile([getattr(each, figure) for each in starts[name][1:]], 50)

    return [
        Figure(f"{what} (reference: {name})", median("ours", figure), unit, median(name, figure), 1, of_ratio=True)
        for name in commands
        if name != "ours"
        for what, figure, unit in (("first paint", "milliseconds", "ms"), ("memory", "megabytes", "MB"))
    ]
