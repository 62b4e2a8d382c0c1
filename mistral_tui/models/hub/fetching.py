"""Fetching the files of a model from the hub: into parts that a later try goes on with, checked, then renamed."""

import asyncio
import contextlib
import errno
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from mistral_tui.config.paths import make_private_folder
from mistral_tui.models.hub.choosing import Choice, RemoteFile
from mistral_tui.models.hub.environment import host_of
from mistral_tui.models.hub.part_file import PartFile
from mistral_tui.models.memory_fit import gigabytes
from mistral_tui.models.transfer import POLL_SECONDS, DownloadProgress, Report, Stage, lock_of, try_lock
from mistral_tui.types.errors import DownloadFailed

if TYPE_CHECKING:
    from mistral_tui.models.hub.client import HubClient

RETRY_SECONDS: Final = 1.0
"""Before the second try when the connection breaks; each further one waits twice as long."""
_TRIES: Final = 5
"""In a row without a byte."""
_TOLD_EVERY: Final = 2**18


class HubDownload:
    """One download of a model; used once.

    Args:
        client: The hub.
        choice: What to fetch.
        target: Where the model goes: the file (of a split one the first), or the folder.
        report: Told how far it has come.
    """

    def __init__(self, client: "HubClient", choice: Choice, target: Path, report: Report) -> None:
        self._client = client
        self._choice = choice
        self._target = target
        self._report = report
        self._whole = choice.size_bytes
        self._done = 0
        self._told = -_TOLD_EVERY

    async def run(self) -> Path:
        """Fetch what is not there yet, and return the path of the model.

        When this is cancelled or fails, what was fetched stays in `.part` files.

        Raises:
            DownloadFailed: Says why and what to do.
        """
        folder = self._target.parent
        try:
            make_private_folder(folder)
            lock = lock_of(self._target)
            while not try_lock(lock):
                self._tell("waiting")
                await asyncio.sleep(POLL_SECONDS)
            try:
                await self._fetch_all()
            finally:
                lock.release()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DownloadFailed(
                    f"the disk of {folder} is full; what was fetched is kept: make room and fetch it again to go on, "
                    "or set MISTRAL_TUI_MODELS to another folder"
                ) from None
            raise DownloadFailed(f"cannot write to {folder}: {error.strerror or error}") from None
        self._tell("done")
        return self._target

    async def _fetch_all(self) -> None:
        places = [(file, self._place(file)) for file in self._choice.files]
        missing = [(file, place) for file, place in places if not _is_there(place, file)]
        if self._choice.form == "safetensors" and self._target.is_dir() and not missing:
            return
        scratch = scratch_folder(self._target)
        self._check_room(missing, scratch)
        self._done = self._whole - sum(file.size for file, _ in missing)
        for file, place in missing:
            inner = scratch / place.relative_to(self._target) if self._choice.form == "safetensors" else place
            if inner is not place and _is_there(inner, file):
                self._done += file.size
                continue
            make_private_folder(inner.parent)
            part = PartFile(inner, file)
            await self._fetch(file, part)
            part.finish()
        if self._choice.form == "safetensors" and missing:
            _move_into(scratch, self._target)

    async def _fetch(self, file: RemoteFile, part: PartFile) -> None:
        """Bring a part to its full length and check it."""
        begin, tries, complete = self._done, 0, False
        while not complete:
            have = part.size()
            self._done = begin + have
            try:
                if have < file.size or not have:
                    await self._stream(file, part, have)
                complete = part.size() == file.size
            except DownloadFailed:
                raise
            except Exception as error:
                tries = 0 if part.size() > have else tries + 1
                if (failure := self._final(error, file, tries)) is not None:
                    raise failure from None
                await asyncio.sleep(RETRY_SECONDS * 2**tries)
        self._tell("checking")
        if not await asyncio.to_thread(part.is_sound):
            part.discard()
            raise DownloadFailed(
                f"{PurePosixPath(file.path).name} did not arrive as the hub says it is (its checksum differs), so it "
                "was thrown away; fetch it again"
            )
        self._done = begin + file.size

    async def _stream(self, file: RemoteFile, part: PartFile, have: int) -> None:
        async with self._client.stream(self._choice.reference.repository, file.path, have) as (begin, response):
            if begin not in (0, have):
                raise _WrongPart(f"bytes from {begin} instead of {have}")
            self._done += begin - have
            left = file.size - begin
            with part.open_at(begin) as out:
                async for chunk in response.aiter_bytes():
                    left -= len(chunk)
                    if left < 0:
                        raise _WrongPart("more than there should be")
                    out.write(chunk)
                    self._done += len(chunk)
                    self._tell("downloading")
                out.flush()
                os.fsync(out.fileno())
            if left:
                raise _WrongPart("less than there should be")

    def _final(self, error: Exception, file: RemoteFile, tries: int) -> DownloadFailed | None:
        """Return the error to end with; `None`: it is worth another try."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError

        from mistral_tui.models.hub.failures import explained

        if isinstance(error, OSError) and not isinstance(error, httpx2.HTTPError | ConnectionError):
            raise error
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
        if isinstance(error, httpx2.TransportError | _WrongPart) or status in (408, 429, 500, 502, 503, 504):
            if tries < _TRIES:
                return None
            if self._done and not status:
                return DownloadFailed(
                    f"the connection to {host_of(self._client.endpoint)} broke after {gigabytes(self._done)} of "
                    f"{gigabytes(self._whole)}; what was fetched is kept: fetch it again to go on"
                )
        return explained(error, self._client.endpoint, self._choice.reference.repository, file.path)

    def _place(self, file: RemoteFile) -> Path:
        """Return where a file of the model goes."""
        if self._choice.form == "safetensors":
            return self._target.joinpath(*PurePosixPath(file.path).parts)
        if file is self._choice.files[0]:
            return self._target
        return self._target.with_name(PurePosixPath(file.path).name)

    def _check_room(self, missing: list[tuple[RemoteFile, Path]], scratch: Path) -> None:
        needed = 0
        for file, place in missing:
            inner = scratch / place.relative_to(self._target) if self._choice.form == "safetensors" else place
            needed += 0 if _is_there(inner, file) else file.size - PartFile(inner, file).size()
        folder = self._target.parent
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise DownloadFailed(
                f"{self._choice.name} needs {gigabytes(needed)} on the disk of {folder}, and {gigabytes(free)} are "
                "free; make room, or set MISTRAL_TUI_MODELS to another folder"
            )

    def _tell(self, stage: Stage) -> None:
        if stage == "downloading" and self._done - self._told < _TOLD_EVERY and self._done < self._whole:
            return
        self._told = self._done
        self._report(DownloadProgress(stage, min(self._done, self._whole), self._whole))


class _WrongPart(Exception):
    """The server sent other bytes than it was asked for."""


def scratch_folder(target: Path) -> Path:
    """Return the hidden folder in which a model of many files grows."""
    return target.with_name(f".{target.name}.part")


def discard_parts(target: Path) -> None:
    """Remove what an unfinished download of `target` has left."""
    for part in target.parent.glob("*.part"):
        if part.name.startswith(f"{target.name}."):
            with contextlib.suppress(OSError):
                part.unlink()
    shutil.rmtree(scratch_folder(target), ignore_errors=True)


def _is_there(place: Path, file: RemoteFile) -> bool:
    # What lies under its final name was checked before it was renamed.
    try:
        return place.is_file() and place.stat().st_size == file.size
    except OSError:
        return False


def _move_into(scratch: Path, target: Path) -> None:
    if not target.exists():
        scratch.replace(target)
        return
    for path in sorted(scratch.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(scratch)
            make_private_folder(place.parent)
            path.replace(place)
    shutil.rmtree(scratch, ignore_errors=True)
