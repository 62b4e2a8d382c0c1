"""The code blocks of a message, and saving one of them as a file."""

import os
from pathlib import Path
from typing import NamedTuple

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.text import printable

MOST_CHARACTERS = 200_000
"""A text beyond this is no Markdown; see `mistral_tui.tui.chat.markdown`."""
_ENDINGS = {
    "bash": "sh", "c++": "cpp", "javascript": "js", "markdown": "md", "python": "py", "rust": "rs", "shell": "sh",
    "sh": "sh", "text": "txt", "typescript": "ts", "yaml": "yaml", "zsh": "sh",
}  # fmt: skip


class CodeBlock(NamedTuple):
    """A code block of a message."""

    language: str
    """As the model wrote it; may be empty."""
    code: str


class FileThere(InvalidRequest):
    """A file of that name is there already."""


def code_blocks(message: Message) -> list[CodeBlock]:
    """Return the code blocks of a message, in their order."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False})
    blocks = []
    for part in message.parts:
        if isinstance(part, TextPart) and len(part.text) <= MOST_CHARACTERS:
            for token in parser.parse(printable(part.text).strip("\n")):
                if token.type in ("fence", "code_block"):
                    words = token.info.split()
                    blocks.append(CodeBlock(words[0] if words else "", token.content))
    return blocks


def file_name(block: CodeBlock, number: int) -> str:
    """Return a name for the file of a code block."""
    language = block.language.lower()
    ending = _ENDINGS.get(language) or (language if language.isalnum() and len(language) <= 5 else "txt")
    return f"code-{number}.{ending}"


def save_text(path: str, text: str, overwrite: bool = False) -> Path:
    """Write a text into a file, and return where it is.

    Raises:
        FileThere: It is there already, and is not to be overwritten.
        InvalidRequest: It cannot be written.
    """
    if not path.strip():
        raise InvalidRequest("the name is empty; type where to save it")
    target = Path(path.strip())
    try:
        target = target.expanduser()
        # A link or a device is not followed, and no file is lost that came to be meanwhile.
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
        if overwrite and target.exists() and not target.is_file():
            raise InvalidRequest(f"{target} is no file; choose another name")
        with os.fdopen(os.open(target, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        if target.is_dir():
            raise InvalidRequest(f"{target} is a folder; add a name") from None
        raise FileThere(f"{target} is there already") from None
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"{target} cannot be written: {reason}; choose another place") from error
    return target
