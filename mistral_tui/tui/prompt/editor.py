"""Writes a prompt in the editor of the person's choice."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mistral_tui.config.editor import run_editor
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.text import printable


class EditorFailed(MistralTuiError):
    """The editor gave nothing back."""


def edited(text: str) -> str:
    """Let the person edit a text, and return what became of it. Blocks, and takes the terminal.

    Raises:
        ConfigError: There is no editor, or it cannot be run.
        EditorFailed: It failed, or what it wrote is no text.
    """
    with TemporaryDirectory(prefix="mistral-tui-") as folder:  # made with mode 0700
        file = Path(folder) / "prompt.md"
        file.write_text(text, encoding="utf-8")
        if status := run_editor(file):
            raise EditorFailed(f"the editor ended with status {status}; the prompt is as it was")
        try:
            return printable(file.read_text(encoding="utf-8")).removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise EditorFailed("what the editor wrote cannot be read as UTF-8; the prompt is as it was") from None
