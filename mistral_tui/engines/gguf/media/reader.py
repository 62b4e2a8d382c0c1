"""The thread that reads the pictures and recordings of prompts, and what it remembers of them.

Encoding a picture can take seconds. It needs the projector only, so the engine thread goes on writing replies; a
request comes to it when all its media are read.
"""

import sys
import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mistral_tui.engines.gguf.media.places import Embeddings, MediaOfRequest, Medium, key_of
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.media import LARGEST_FILE

if TYPE_CHECKING:
    from mistral_tui.engines.gguf.media.projector import Projector

MEMORY: Final = 256 * 1024 * 1024
_MOST_KNOWN: Final = 4096
"""Media of which it is remembered how many tokens they take."""


@dataclass
class _Job:
    paths: list[str]
    encode: Collection[str]
    into: MediaOfRequest
    done: Callable[[str | None], None]
    given_up: bool = False


class MediaReader:
    """Reads media on a thread of its own, one request after another.

    Args:
        projector: What it encodes with; the reader closes it.
        memory: Bytes of embeddings that are kept for later; the longest unused go first.
    """

    def __init__(self, projector: "Projector", memory: int = MEMORY) -> None:
        self._projector = projector
        self._changed = threading.Condition()
        # Under the lock of `_changed`.
        self._jobs: deque[_Job] = deque()
        self._now: _Job | None = None
        self._stopped = False
        # Of the reader's thread.
        self._known: OrderedDict[str, Medium] = OrderedDict()
        self._kept = _KeptEmbeddings(memory)
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)
        self._thread.start()

    def read(
        self, paths: list[str], encode: Collection[str], into: MediaOfRequest, done: Callable[[str | None], None]
    ) -> Callable[[], None]:
        """Read files, soon.

        Args:
            paths: The files.
            encode: Those whose embeddings are wanted. If one of these cannot be read, all fails; others are left out.
            into: Takes what was found; nobody else may touch it until `done`.
            done: Called on the reader's thread, with what went wrong, or `None`.

        Returns:
            A function that gives the job up; `done` may still be called.
        """
        job = _Job(paths, encode, into, done)
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

        def give_up() -> None:
            with self._changed:
                job.given_up = True
                if self._now is job:
                    self._projector.stop()

        return give_up

    def close(self) -> None:
        """Stop the thread, also in the middle of a picture, and free the projector."""
        with self._changed:
            self._stopped = True
            self._projector.stop()
            self._changed.notify()
        self._thread.join()
        self._projector.close()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            problem = None
            try:
                for path in job.paths:
                    if not job.given_up:
                        self._read(path, job)
            except MistralTuiError as error:
                problem = str(error)
            except Exception as error:
                traceback.print_exc()
                problem = f"the media of the prompt cannot be read: {error!r}; see the log"
            job.done(problem)

    def _next(self) -> _Job | None:
        with self._changed:
            self._now = None
            while not self._stopped:
                while self._jobs and self._jobs[0].given_up:
                    self._jobs.popleft()
                if self._jobs:
                    self._now = self._jobs.popleft()
                    self._projector.allow()
                    return self._now
                self._changed.wait()
        return None

    def _read(self, path: str, job: _Job) -> None:
        wanted = path in job.encode
        try:
            data = _content(Path(path))
        except InvalidRequest:
            if wanted:
                raise
            return
        key = key_of(data)
        medium, kept = self._known.get(key), self._kept.get(key)
        if medium is None or (wanted and kept is None):
            medium, made = self._projector.read(data, Path(path).name, encode=wanted)
            self._remember(medium)
            if wanted:
                kept = made
                self._kept.put(key, made)
                job.into.encoded += 1
                print(f"encoded {path}: {len(medium.tokens)} tokens", file=sys.stderr, flush=True)
        job.into.media[path] = medium
        if wanted and kept is not None:
            job.into.embeddings[key] = kept

    def _remember(self, medium: Medium) -> None:
        self._known[medium.key] = medium
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


class _KeptEmbeddings:
    """Embeddings by key, up to a limit in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._kept: OrderedDict[str, Embeddings] = OrderedDict()

    def get(self, key: str) -> Embeddings | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, embeddings: Embeddings) -> None:
        self._used += _size(embeddings) - _size(self._kept.pop(key, ()))
        self._kept[key] = embeddings
        while self._used > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._used -= _size(dropped)


def _size(embeddings: Embeddings) -> int:
    return sum(4 * len(array) for array in embeddings)


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InvalidRequest(f"{path} is not there, or is no file; give the picture or recording again")
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
