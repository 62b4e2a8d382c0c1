"""The main of the process that checks arguments: `python -m mistral_tui.tools.arguments.main PARENT_PID`.

A line of JSON comes in, `{"schema": …, "arguments": …}`, and one leaves, `{"complaints": […], "takes": "…"}`. The first
that leaves is empty: the process is ready.
"""

import json
import os
import sys
from typing import Final

from mistral_tui.processes.parent_death import end_with_parent
from mistral_tui.processes.private_streams import private_streams

_MOST_MEMORY: Final = 1 << 30


def main() -> None:
    """Check until nobody asks any more."""
    incoming, outgoing = private_streams()
    end_with_parent(int(sys.argv[1]))
    _limit_memory()
    from mistral_tui.tools.arguments.complaints import complaints, takes

    with os.fdopen(incoming, "rb") as lines, os.fdopen(outgoing, "wb") as answers:

        def answer(found: object) -> None:
            answers.write(json.dumps(found).encode() + b"\n")
            answers.flush()

        answer({})
        for line in lines:
            asked = json.loads(line)
            found = complaints(asked["schema"], asked["arguments"])
            answer({"complaints": found, "takes": takes(asked["schema"]) if found else ""})


def _limit_memory() -> None:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


if __name__ == "__main__":
    main()
