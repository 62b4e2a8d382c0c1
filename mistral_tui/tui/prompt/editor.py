"""Writes a prompt in the editor of the person's choice."""

import os
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.text import printable


class EditorFailed(MistralTuiError):
    """The editor could not be run, or gave nothing back."""


def edited(text: str) -> str:
    """Let the person edit a text, and return what became of it. Blocks, and takes the terminal.

    The editor is `$VISUAL`, else `$EDITOR`, else what the system has.

    Raises:
        EditorFailed: There is none, it failed, or what it wrote is no text.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    try:
        # On Windows a backslash parts folders.
        words = [word.strip('"') for word in shlex.split(command, posix=os.name != "nt")]
    except ValueError as error:
        raise EditorFailed(f"the editor {command!r:.60} cannot be run: {error}; set $VISUAL or $EDITOR") from None
    with TemporaryDirectory(prefix="mistral-tui-") as folder:  # made with mode 0700
        file = Path(folder) / "prompt.md"
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*words, str(file)], check=False)
        except OSError as error:
            reason = error.strerror or str(error)
            raise EditorFailed(f"the editor {words[0]!r:.60} cannot be run: {reason}; set $VISUAL or $EDITOR") from None
        if done.returncode:
            raise EditorFailed(
                f"the editor {words[0]!r:.60} ended with status {done.returncode}; the prompt is as it was"
            )
        try:
            return printable(file.read_text(encoding="utf-8")).removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise EditorFailed("what the editor wrote cannot be read as UTF-8; the prompt is as it was") from None
