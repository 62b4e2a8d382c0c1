"""What a one-shot prompt is made of: the words on the command line, files, and what is piped in."""

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mistral_tui.chat.attachments import SIZE_LIMIT, read_attachment
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Attachment, FilePart

LIMIT = SIZE_LIMIT
"""Most bytes of a pipe, as of a file."""


class Prompt(NamedTuple):
    """A prompt as the chat takes it."""

    text: str
    files: tuple[Attachment, ...]


async def gather(words: Sequence[str], files: Sequence[str], keep: Path | None = None) -> Prompt:
    """Put a prompt together; standard input is read if it is no terminal.

    Without words, what is piped in is the prompt; with words it goes along as a file named `stdin`, so that
    `cat letter | mistral-tui ask "summarise"` asks about the letter.

    Args:
        words: Of the command line.
        files: Texts, pictures and recordings to go along.
        keep: The folder for copies of pictures and recordings; `None`: they stay where they are.

    Raises:
        InvalidRequest: There is nothing to ask, or a file cannot be used.
    """
    text = _as_typed(" ".join(words))
    attached = [_read_file(name, keep) for name in files]
    piped = "" if _interactive() else _decoded(await _read_stdin())
    if piped.strip():
        if text.strip():
            attached.append(FilePart("stdin", piped))
        else:
            text = piped
    if not text.strip() and not attached:
        raise InvalidRequest('there is no prompt; write one, as in `mistral-tui ask "…"`, or pipe one in')
    return Prompt(text, tuple(attached))


def _read_file(name: str, keep: Path | None) -> Attachment:
    return read_attachment(Path(name).expanduser(), keep, pipes=True)


def _as_typed(text: str) -> str:
    """Return words of the command line as the terminal sent them, in UTF-8, whatever the locale made of them."""
    return os.fsencode(text).decode("utf-8", "replace")


def _decoded(data: bytes) -> str:
    if len(data) > LIMIT:
        raise InvalidRequest(f"what is piped in is larger than {LIMIT // 1024} KB; give a part of it")
    if b"\0" in data:
        raise InvalidRequest("what is piped in is not text; only text can be given along with a prompt")
    return data.decode("utf-8-sig", "replace")


def _interactive() -> bool:
    try:
        return sys.stdin is None or os.isatty(0)
    except OSError:
        return True


async def _read_stdin() -> bytes:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes] = loop.create_future()

    def settle(data: bytes) -> None:
        if not done.done():
            done.set_result(data)

    def read() -> None:
        chunks = []
        size = 0
        # os.read and a daemon thread: ctrl+c must end the program although nothing comes through the pipe, and a
        # thread that holds sys.stdin's lock would abort the interpreter at its end.
        while size <= LIMIT:
            try:
                chunk = os.read(0, 1 << 16)
            except OSError:
                break
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
        loop.call_soon_threadsafe(settle, b"".join(chunks))

    threading.Thread(target=read, daemon=True, name="stdin").start()
    return await done
