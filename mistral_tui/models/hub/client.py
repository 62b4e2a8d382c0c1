"""Talking with the hub, through Hugging Face's own client: its addresses, tokens, proxies and offline mode.

Imported only when something is fetched: the client takes 0.2 s to load. Its own download of a file keeps nothing of
what was interrupted, so the bytes are streamed here; where they come from and with which headers is the client's.
"""

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx2

# Before the import that reads it. Which packages are installed here is nobody's business.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from huggingface_hub import HfApi, get_async_session, hf_hub_url
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported without saying so
    build_hf_headers,
    hf_raise_for_status,
)
from huggingface_hub.utils.logging import set_verbosity_error

from mistral_tui import __version__
from mistral_tui.models.hub.choosing import RemoteFile
from mistral_tui.models.hub.environment import check_online, endpoint
from mistral_tui.models.hub.failures import explained

set_verbosity_error()  # type: ignore[no-untyped-call]  # its warnings would be written over the screen
T = TypeVar("T")
_MOST_FILES: Final = 20_000
_NAME: Final = "mistral-tui"
_ANSWER_SECONDS: Final = 15.0
_TIMEOUT: Final = httpx2.Timeout(10.0, read=30.0)


class HubClient:
    """The hub that the environment names."""

    def __init__(self) -> None:
        self.endpoint = endpoint()

    async def files(self, repository: str) -> list[RemoteFile]:
        """Return all files of a repository.

        Raises:
            DownloadFailed: It is not there, may not be read, or the hub cannot be reached.
        """
        check_online(repository)

        def look() -> list[RemoteFile]:
            hub = HfApi(endpoint=self.endpoint, library_name=_NAME, library_version=__version__)
            about = hub.model_info(repository, files_metadata=True, timeout=_ANSWER_SECONDS)
            return [
                RemoteFile(file.rfilename, file.size, file.lfs.sha256 if file.lfs else None, file.blob_id)
                for file in (about.siblings or ())[:_MOST_FILES]
                if isinstance(file.rfilename, str) and isinstance(file.size, int) and file.size >= 0
            ]

        try:
            return await _in_thread(look)
        except Exception as error:  # whatever an answer that nobody expected makes the client raise
            raise explained(error, self.endpoint, repository) from None

    @asynccontextmanager
    async def stream(self, repository: str, file: str, begin: int) -> AsyncGenerator[tuple[int, httpx2.Response]]:
        """Open a file for reading; yields where its content begins, which is 0 if the server cannot resume.

        Args:
            repository: `OWNER/NAME`.
            file: Path in it.
            begin: The first byte that is wanted.

        Raises:
            httpx2.HTTPError, OSError: As the client raises them.
        """
        check_online(repository)
        headers = {**build_hf_headers(library_name=_NAME, library_version=__version__), "Accept-Encoding": "identity"}
        if begin:
            headers["Range"] = f"bytes={begin}-"
        url = hf_hub_url(repository, file, endpoint=self.endpoint)
        # A redirect to another host is followed without the token: the client takes care of that.
        async with (
            get_async_session() as session,
            session.stream("GET", url, headers=headers, timeout=_TIMEOUT) as response,
        ):
            hf_raise_for_status(response)
            yield _begin(response), response


def _begin(response: httpx2.Response) -> int:
    """Return with which byte of the file the body of a response begins."""
    if response.status_code != 206:
        return 0
    match = re.match(r"bytes (\d{1,20})-", response.headers.get("Content-Range", ""))
    if match is None:
        raise httpx2.RemoteProtocolError("a part without saying which")
    return int(match[1])


async def _in_thread(work: Callable[[], T]) -> T:
    """Do what blocks in a thread that nobody waits for if this is cancelled."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # there is a result if there is no error

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has gone: it was cancelled
            loop.call_soon_threadsafe(finish, result, failed)

    threading.Thread(target=run, daemon=True, name="hub").start()
    return await done
