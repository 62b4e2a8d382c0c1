"""`python -m benchmarks` runs all benchmarks but the soak, `python -m benchmarks NAME…` those named."""

import argparse
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks.harness import HEADER, Others
from benchmarks.subject import find_model, use_folders_below

NAMES = (
    "startup",
    "first_paint",
    "other_interfaces",
    "one_shot",
    "decode",
    "sampling",
    "grammar",
    "many_chats",
    "speculative",
    "own_code",
    "turn_ten",
    "reopen",
    "peers",
    "cancel",
    "key_press",
    "long_session",
    "search",
    "reading",
    "memory",
    "idle",
)
"""In the order of the README's table; each is a module with a function `run(quick) -> list of figures`."""
BY_NAME = ("soak", "long_use")
"""These take long, and run only when they are named."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES + BY_NAME)}")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast it is")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES + BY_NAME):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    # An installed program finds its modules compiled; without this, some environments compile them at every start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    missed = 0
    print(
        f"{os.cpu_count()} processors, load {' '.join(f'{load:.2f}' for load in os.getloadavg())}; {find_model().name}"
    )
    print(HEADER)
    with tempfile.TemporaryDirectory(prefix="mistral-tui-bench-") as folder:
        for name in arguments.names or NAMES:
            # Each has folders of its own, so that no session or cache of one helps another.
            use_folders_below(Path(folder) / name)
            started = time.monotonic()
            with Others() as others:
                figures = import_module(f"benchmarks.{name}").run(arguments.quick)
            for figure in figures:
                print(figure.row(), flush=True)
                missed += figure.verdict == "MISSED"
            seconds = time.monotonic() - started
            print(f"  {name}: {seconds:.0f} s, other programs used {others.share:.0%} of the processors", flush=True)
    if missed:
        print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
