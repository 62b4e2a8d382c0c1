"""Sequence files: the KV cache of idle chats on disk.

A file is a magic line, the SHA-256 of all that follows, the lengths of header and state, a header in msgpack, and
the state as llama.cpp writes it. Nothing in it is believed before the checksum of the whole file was right, since
llama.cpp may end the process over a damaged state.

The files belong to a cache folder: any of them may vanish at any time, and then a chat is computed again.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import struct
import time
import uuid
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.config.paths import make_private_folder
from mistral_tui.engines.chat_files import chat_file_name, remove_chat_files
from mistral_tui.engines.gguf.media.places import Placed
from mistral_tui.engines.gguf.text.transcript import Mark
from mistral_tui.types.models import Adapter

_MAGIC: Final = b"mistral-tui kv 1\n"
_LENGTHS: Final = struct.Struct("<QQ")
_DIGEST_BYTES: Final = hashlib.sha256().digest_size
_BEGIN: Final = len(_MAGIC) + _DIGEST_BYTES + _LENGTHS.size
_MOST_HEADER: Final = 64 * 2**20
_PIECE: Final = 2**22
_LEFT_FREE: Final = 256 * 2**20
"""Bytes of the disk that are left to others."""
_ABANDONED: Final = 3600.0
"""Seconds after which a file that is being written has been left behind by a process that died."""


class DamagedFile(Exception):
    """A file cannot be used; says why."""


class Header(msgspec.Struct, frozen=True):
    """What is in a sequence file, and for what it may be used."""

    made_by: str
    """Model, build of llama.cpp, type of the KV cache and whatever else a state depends on."""
    tokens: bytes
    """Of the whole chat, as 32-bit integers."""
    computed: int
    """How many of them are in the state."""
    text: str
    marks: tuple[Mark, ...]
    placed: tuple[Placed, ...] = ()
    first_kept: str | None = None
    adapters: tuple[Adapter, ...] = ()
    adapter_files: tuple[str, ...] = ()
    """The fingerprint of each."""


class KvFolder:
    """The sequence files of all chats and models.

    Args:
        path: The folder; made when it is needed.
        most_bytes: What its files may take together; the longest unused go first.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes

    def has(self, chat_id: str, model: str) -> bool:
        """Return whether there is a file for this chat and this model."""
        return self._file(chat_id, model).exists()

    def write(self, chat_id: str, model: str, header: Header, state: bytearray) -> None:
        """Write a file, in one step for whoever reads it; older files make way.

        Raises:
            OSError: It cannot be written, or the disk is nearly full.
        """
        encoded = msgspec.msgpack.encode(header)
        size = _BEGIN + len(encoded) + len(state)
        if size > self._most_bytes:
            return
        make_private_folder(self._path)
        self._make_room(size, but=self._file(chat_id, model))
        if shutil.disk_usage(self._path).free < size + _LEFT_FREE:
            raise OSError(f"the disk of {self._path} is nearly full")
        lengths = _LENGTHS.pack(len(encoded), len(state))
        digest = _digest(lengths, encoded, state)
        unfinished = self._path / f"{uuid.uuid4().hex}.part"
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with FileIO(descriptor, "wb") as file:
                for piece in (_MAGIC, digest, lengths, encoded, state):
                    _write_all(file, memoryview(piece))
            unfinished.replace(self._file(chat_id, model))
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def read(self, chat_id: str, model: str, made_by: str) -> tuple[Header, bytearray] | None:
        """Return what a file holds, or `None` if there is none that can be used; one that cannot is removed.

        Raises:
            OSError: It cannot be read.
            DamagedFile: It was of no use.
        """
        file = self._file(chat_id, model)
        try:
            header, state = _read(file, self._most_bytes)
            if header.made_by != made_by:
                raise DamagedFile("it was made by another version, or with other settings")
        except FileNotFoundError:
            return None
        except DamagedFile:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            raise
        with contextlib.suppress(OSError):
            os.utime(file)  # read lately: it stays longest
        return header, state

    def remove(self, chat_id: str) -> None:
        """Remove the files of a chat, whatever model they are for."""
        remove_chat_files(self._path, chat_id)

    def _file(self, chat_id: str, model: str) -> Path:
        return self._path / chat_file_name(chat_id, model)

    def _make_room(self, size: int, but: Path) -> None:
        kept = size
        for file, status in sorted(self._files(), key=lambda file: file[1].st_mtime, reverse=True):
            abandoned = file.suffix == ".part" and status.st_mtime < time.time() - _ABANDONED
            kept += 0 if file == but or abandoned else status.st_size
            if abandoned or (kept > self._most_bytes and file != but):
                with contextlib.suppress(OSError):
                    file.unlink()
                kept -= 0 if abandoned else status.st_size

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for file in (*self._path.glob("*.kv"), *self._path.glob("*.part")):
            with contextlib.suppress(OSError):
                yield file, file.lstat()


def fingerprint(path: Path) -> str:
    """Return what tells a file of weights from all others: a hash of its size, its header and pieces of the rest."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(str(size).encode())
        digest.update(file.read(2 * _PIECE))
        for part in range(16):
            file.seek(size * part // 16)
            digest.update(file.read(_PIECE // 64))
        file.seek(max(0, size - _PIECE // 4))
        digest.update(file.read())
    return digest.hexdigest()


def _read(path: Path, most_bytes: int) -> tuple[Header, bytearray]:
    # Not blocking: a pipe with this name would hold up the thread for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    with FileIO(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DamagedFile("it is no file")
        begin = file.read(_BEGIN)
        if len(begin) < _BEGIN or not begin.startswith(_MAGIC):
            raise DamagedFile("it is of another kind or version")
        header_bytes, state_bytes = _LENGTHS.unpack_from(begin, _BEGIN - _LENGTHS.size)
        if header_bytes > _MOST_HEADER or state_bytes > most_bytes:
            raise DamagedFile("it is larger than any that is written")
        if _BEGIN + header_bytes + state_bytes != status.st_size:
            raise DamagedFile("a part of it is missing")
        encoded, state = bytearray(header_bytes), bytearray(state_bytes)
        digest = hashlib.sha256(begin[-_LENGTHS.size :])
        for buffer in (encoded, state):
            _read_all(file, memoryview(buffer), digest)
    if digest.digest() != begin[len(_MAGIC) : len(_MAGIC) + _DIGEST_BYTES]:
        raise DamagedFile("it is damaged")
    try:
        return msgspec.msgpack.decode(encoded, type=Header), state
    except msgspec.MsgspecError:
        raise DamagedFile("its header makes no sense") from None


def _read_all(file: FileIO, buffer: memoryview, digest: "hashlib._Hash") -> None:
    while buffer:
        count = file.readinto(buffer[:_PIECE]) or 0
        if count == 0:
            raise DamagedFile("a part of it is missing")
        digest.update(buffer[:count])
        buffer = buffer[count:]


def _write_all(file: FileIO, buffer: memoryview) -> None:
    while buffer:
        buffer = buffer[file.write(buffer[:_PIECE]) :]


def _digest(*pieces: bytes | bytearray) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
