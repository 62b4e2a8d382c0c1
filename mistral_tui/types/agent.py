"""How the program's own tools are set up."""

from typing import Final

import msgspec

from mistral_tui.types.choices import SandboxMode

LARGEST_FILE: Final = 100_000_000


class AgentOptions(msgspec.Struct, frozen=True):
    """What the program's own tools may do."""

    root: str
    """The folder that they work in: absolute."""
    sandbox: SandboxMode = "strict"
    max_file_size: int = LARGEST_FILE
    """Bytes of a file that is read or written, at most."""
