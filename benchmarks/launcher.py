"""Starts the interface with the scripted engine in its worker: `python -m benchmarks.launcher -m MODEL`."""

import sys

from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.interface import open_interface

if __name__ == "__main__":
    sys.exit(open_interface(ModelFlags(model=sys.argv[-1]), loader="benchmarks.scripted:load"))
