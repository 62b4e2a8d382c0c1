"""What a one-shot prompt is made of: the words on the command line, files, and what is piped in."""

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import FilePart

LIMIT = 4_000_000
"""Most bytes of one file or of a pipe: a prompt travels to the worker in one frame of at most 8 MB."""


class Prompt(NamedTuple):
    """A prompt as the chat takes it."""

    text: str
    files: tuple[FilePart, ...]


async def gather(words: Sequence[str], files: Sequence[str]) -> Prompt:
    """Put a prompt together; standard input is read if it is no terminal.

    Without words, what is piped in is the prompt; with words it goes along as a file named `stdin`, so that
    `cat letter | mistral-tui ask "summarise"` asks about the letter.

    Raises:
        InvalidRequest: There is nothing to ask, or a file cannot be read as text.
    """
    text = " ".join(words)
    attached = [_read_file(Path(name)) for name in files]
    piped = "" if _interactive() else _as_text(await _read_stdin(), "standard input")
    if piped.strip():
        if text.strip():
            attached.append(FilePart("stdin", piped))
        else:
            text = piped
    if not text.strip() and not attached:
        raise InvalidRequest('there is no prompt; write one, as in `mistral-tui ask "…"`, or pipe one in')
    return Prompt(text, tuple(attached))


def _read_file(path: Path) -> FilePart:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"cannot read the file {path}: {reason}; check -f") from error
    return FilePart(path.name, _as_text(data, str(path)))


def _as_text(data: bytes, source: str) -> str:
    if len(data) > LIMIT:
        raise InvalidRequest(f"{source} is larger than {LIMIT // 1_000_000} MB; give a part of it")
    if b"\0" in data[:65536]:
        raise InvalidRequest(f"{source} is not a text; only text can be given along with a prompt")
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
