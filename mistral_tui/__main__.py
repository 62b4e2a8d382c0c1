"""`python -m mistral_tui`: the same as the command `mistral-tui`."""

import sys

from mistral_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
