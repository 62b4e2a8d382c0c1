"""Run a step of the project: `python scripts/build.py STEP [ARGUMENTS]`. Without a step it lists them.

This file only finds out whether the Python is new enough, so it keeps to what old ones can parse.
"""

import os
import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older Python is told so
        sys.exit("error: mistral-tui needs Python 3.11 or newer, and this is " + sys.version.split()[0])
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - see above
    from scripts.steps.main import main

    sys.exit(main(sys.argv[1:]))
