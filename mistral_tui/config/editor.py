"""The editor of the person's choice."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from mistral_tui.types.errors import ConfigError


def run_editor(file: Path) -> int:
    """Open a file in `$VISUAL`, else `$EDITOR`, else what the system has; return the exit status once that has ended.

    Blocks, and takes the terminal.

    Raises:
        ConfigError: There is no editor, or it cannot be run.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _usual()
    try:
        # On Windows a backslash parts folders.
        words = [word.strip('"') for word in shlex.split(command, posix=os.name != "nt")]
        return subprocess.run([*words, str(file)], check=False).returncode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"the editor {command!r:.60} cannot be run: {reason}; set $VISUAL or $EDITOR") from None


def _usual() -> str:
    found = next((name for name in ("nano", "vi", "notepad") if shutil.which(name)), None)
    if found is None:
        raise ConfigError("there is no editor; set $EDITOR to the one that you use")
    return found
