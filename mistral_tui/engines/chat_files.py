"""Where workers keep files of chats, and how to remove those of a chat that is deleted, loaded model or not."""

import contextlib
import hashlib
from pathlib import Path

from mistral_tui.config.paths import Paths


def chat_files_folder() -> Path:
    """Return the folder of all chats' files; a worker finds the same as the program that has started it."""
    return Paths.resolve().cache / "kv"


def chat_file_name(chat_id: str, model: str) -> str:
    """Return the name of a chat's file. What the chat is called cannot be read from it.

    Args:
        chat_id: The chat.
        model: What stands for the model, or `*` to find the files of all.
    """
    chat = hashlib.sha256(chat_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{chat}-{model[:32]}.kv"


def remove_chat_files(folder: Path, chat_id: str) -> None:
    """Remove all files of a chat, as far as that is possible."""
    with contextlib.suppress(OSError):
        for file in list(folder.glob(chat_file_name(chat_id, "*"))):
            file.unlink(missing_ok=True)
