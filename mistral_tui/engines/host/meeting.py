"""Where programs of one person meet the host that holds their shared models: a socket that nobody else can use.

On Linux and macOS it is a Unix socket of mode 0600 in a folder of mode 0700. Windows has a loopback address instead,
and a file with its port and a secret, which both sides prove to know without sending it (not tested there yet).
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import socket
import stat
import struct
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from mistral_tui.config.paths import make_private_folder
from mistral_tui.types.errors import EngineError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_LONGEST_PATH = 100
"""Bytes of a Unix socket's path: 108 on Linux, 104 on macOS, with the null."""


class CannotShare(EngineError):
    """Models cannot be shared with other programs here; says why."""


class NobodyThere(EngineError):
    """No host is listening."""


class Meeting(ABC):
    """One meeting place, in a folder of the person's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = b""
        """What both sides know when they have met; empty where the operating system keeps strangers out."""

    @abstractmethod
    async def connect(self) -> Streams:
        """Return a connection to whoever listens.

        Raises:
            NobodyThere: Nobody does.
            CannotShare: The place is not safe, or not possible.
        """

    @abstractmethod
    async def listen(self, serve: Serve) -> asyncio.Server:
        """Take the place, which must be nobody's, and serve who comes.

        Raises:
            CannotShare: The place is not safe, or not possible.
        """

    @abstractmethod
    def leave(self) -> None:
        """Let nobody come any more."""

    def proof(self, side: str, nonce: str) -> str:
        """Return what shows that a side knows the secret, for one nonce only."""
        return hmac.new(self.secret, f"{side} {nonce}".encode(), hashlib.sha256).hexdigest()

    def is_proof(self, proof: str, side: str, nonce: str) -> bool:
        """Return whether `proof` is right; takes the same time whatever it is."""
        return hmac.compare_digest(proof.encode(), self.proof(side, nonce).encode())

    def prepare(self) -> None:
        """Make the folder, and make sure that it is nobody else's.

        Raises:
            CannotShare: It cannot be made, or others may write to it.
        """
        try:
            make_private_folder(self.folder)
            _check_own(self.folder, self.folder.lstat(), stat.S_IFDIR, 0o022)
        except OSError as error:
            raise CannotShare(f"{self.folder} cannot be used: {error.strerror or error}") from error


class UnixSocket(Meeting):
    """A socket among the files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._path = folder / "host.sock"

    async def connect(self) -> Streams:
        """Return a connection to whoever listens."""
        self.prepare()
        try:
            _check_own(self._path, self._path.lstat(), stat.S_IFSOCK, 0o077)
            reader, writer = await asyncio.open_unix_connection(self._path)
        except (FileNotFoundError, ConnectionError):
            raise NobodyThere("no host is listening") from None
        except OSError as error:
            raise CannotShare(f"{self._path} cannot be used: {error.strerror or error}") from error
        try:
            _check_peer(writer)
        except CannotShare:
            writer.close()
            raise
        return reader, writer

    async def listen(self, serve: Serve) -> asyncio.Server:
        """Take the place and serve who comes."""
        self.prepare()
        if len(os.fsencode(self._path)) > _LONGEST_PATH:
            raise CannotShare(f"the path {self._path} is too long for a socket; MISTRAL_TUI_STATE_DIR may be shorter")
        mask = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)  # of a host that was killed
            return await asyncio.start_unix_server(serve, self._path)
        except OSError as error:
            raise CannotShare(f"{self._path} cannot be used: {error.strerror or error}") from error
        finally:
            os.umask(mask)

    def leave(self) -> None:
        """Let nobody come any more."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


class _Address(msgspec.Struct):
    port: int
    secret: str


class Loopback(Meeting):
    """A port of this machine, and a file with a secret that only the person can read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._path = folder / "host.json"

    async def connect(self) -> Streams:
        """Return a connection to whoever listens."""
        self.prepare()
        try:
            _check_own(self._path, self._path.lstat(), stat.S_IFREG, 0o077)
            address = msgspec.json.decode(self._path.read_bytes(), type=_Address)
            streams = await asyncio.open_connection("127.0.0.1", address.port)
        except (FileNotFoundError, ConnectionError):
            raise NobodyThere("no host is listening") from None
        except (OSError, OverflowError, msgspec.DecodeError) as error:
            raise CannotShare(f"{self._path} cannot be used: {error}") from error
        self.secret = address.secret.encode()
        return streams

    async def listen(self, serve: Serve) -> asyncio.Server:
        """Take the place and serve who comes."""
        self.prepare()
        self.secret = secrets.token_hex(32).encode()
        try:
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            address = _Address(server.sockets[0].getsockname()[1], self.secret.decode())
            self._path.unlink(missing_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(file, msgspec.json.encode(address))
            os.close(file)
        except OSError as error:
            raise CannotShare(f"{self._path} cannot be used: {error.strerror or error}") from error
        return server

    def leave(self) -> None:
        """Let nobody come any more."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def meeting_in(folder: Path) -> Meeting:
    """Return the meeting place in `folder` as this system can have it."""
    return Loopback(folder) if sys.platform == "win32" else UnixSocket(folder)


def _check_own(path: Path, status: os.stat_result, kind: int, forbidden: int) -> None:
    """Raise `CannotShare` unless `path` is of this kind, belongs to this person and has none of the forbidden modes."""
    if stat.S_IFMT(status.st_mode) != kind:
        raise CannotShare(f"{path} is not what it should be; remove it")
    if sys.platform == "win32":
        return  # its modes say nothing; the folders of the person's profile are closed to others
    if status.st_uid != os.geteuid():
        raise CannotShare(f"{path} belongs to another user; remove it")
    if status.st_mode & forbidden:
        raise CannotShare(f"{path} is open to other users; take their permissions away (chmod go-rwx)")


def _check_peer(writer: asyncio.StreamWriter) -> None:
    """Raise `CannotShare` if another user's process listens, where the system tells."""
    if sys.platform != "linux":
        return
    peer: socket.socket = writer.get_extra_info("socket")
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    if user != os.geteuid():
        raise CannotShare(f"the host that listens belongs to user {user}")
