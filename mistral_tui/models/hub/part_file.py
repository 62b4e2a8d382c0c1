"""A file that grows while it is fetched, and is checked before it gets its name."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Final

from mistral_tui.models.hub.choosing import RemoteFile

_CHUNK: Final = 2**20
_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)  # Windows would translate line ends


class PartFile:
    """What was fetched of `file` so far; one of another content has another name, so that two are never mixed.

    Args:
        place: Where the whole file goes.
        file: What the hub says of it.
    """

    def __init__(self, place: Path, file: RemoteFile) -> None:
        content = (file.sha256 or file.git_sha1 or str(file.size))[:12]
        self.path = place.with_name(f"{place.name}.{content}.part")
        self._place = place
        self._file = file

    def size(self) -> int:
        """Return how many bytes are there; more than there should be are thrown away."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return 0
        if size > self._file.size:
            self.path.unlink()
            return 0
        return size

    def open_at(self, begin: int) -> BinaryIO:
        """Open it for writing from `begin` on; what was behind that is cut off."""
        out = os.fdopen(os.open(self.path, _FLAGS, 0o600), "r+b")
        out.truncate(begin)
        out.seek(begin)
        return out

    def is_sound(self) -> bool:
        """Return whether the content is what the hub names: by SHA-256, or as git names small files."""
        with self.path.open("rb") as content:
            if self._file.sha256:
                return hashlib.file_digest(content, "sha256").hexdigest() == self._file.sha256
            if self._file.git_sha1 is None:
                return True
            digest = hashlib.sha1(f"blob {self._file.size}\0".encode(), usedforsecurity=False)
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
            return digest.hexdigest() == self._file.git_sha1

    def finish(self) -> None:
        """Give it its name."""
        self.path.replace(self._place)

    def discard(self) -> None:
        """Throw it away."""
        self.path.unlink(missing_ok=True)
