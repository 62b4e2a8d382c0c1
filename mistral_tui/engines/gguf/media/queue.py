"""The requests whose pictures and recordings are being read, between their arrival and their turn."""

from collections import deque
from collections.abc import Callable, Sequence

from mistral_tui.engines.gguf.media.places import paths_of
from mistral_tui.engines.gguf.media.reader import MediaReader
from mistral_tui.engines.gguf.scheduling.generation import Generation
from mistral_tui.types.messages import AudioPart, ImagePart, Message


class MediaNeeded(Exception):
    """A prompt cannot be computed before some of its media are encoded again."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(paths)
        self.paths = paths


class MediaQueue:
    """Hands requests to the reader and takes them back. Belongs to the engine thread.

    Args:
        name: What people call the model.
        reader: `None` if the model takes text only.
        on_read: Called on another thread when a request can be taken back.
    """

    def __init__(self, name: str, reader: MediaReader | None, on_read: Callable[[], None]) -> None:
        self._name = name
        self._reader = reader
        self._on_read = on_read
        self._reading: dict[str, tuple[Generation, Callable[[], None]]] = {}
        self._read: deque[tuple[Generation, str | None]] = deque()
        """Appended to by the reader's thread."""

    @property
    def reading(self) -> list[Generation]:
        """The requests whose media are being read."""
        return [generation for generation, _ in self._reading.values()]

    def pass_on(self, arrivals: Sequence[Generation]) -> tuple[list[Generation], list[tuple[Generation, str]]]:
        """Take in new requests.

        Returns:
            Those, of old and new, that have all they need, and those that cannot be had, with the cause.
        """
        ready, failed = [], []
        while self._read:
            generation, problem = self._read.popleft()
            if self._reading.pop(generation.request.id, None) is None:
                continue  # given up meanwhile
            if problem is None:
                ready.append(generation)
            else:
                failed.append((generation, problem))
        for generation in arrivals:
            newest = _newest(generation.request.messages)
            if not paths_of(newest) and (self._reader is None or not paths_of(generation.request.messages)):
                ready.append(generation)
            elif self._reader is None:
                failed.append((generation, _refusal(self._name, newest)))
            else:
                self.read(generation, paths_of(newest))
        return ready, failed

    def read(self, generation: Generation, encode: list[str]) -> None:
        """Have the media of a request read, and the embeddings of some of them made; `on_read` says when it is done."""
        assert self._reader is not None

        def done(problem: str | None) -> None:
            self._read.append((generation, problem))
            self._on_read()

        paths = paths_of(generation.request.messages)
        give_up = self._reader.read(paths, frozenset(encode), generation.media, done)
        self._reading[generation.request.id] = generation, give_up

    def give_up(self, generation: Generation) -> None:
        """Read no more for a request that is over."""
        _, give_up = self._reading.pop(generation.request.id, (None, None))
        if give_up is not None:
            give_up()

    def close(self) -> None:
        """Stop reading and free the projector."""
        if self._reader is not None:
            self._reader.close()


def _newest(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the last prompt and what follows it."""
    prompts = [index for index, message in enumerate(messages) if message.role == "user"]
    return messages[prompts[-1] :] if prompts else messages


def _refusal(name: str, messages: Sequence[Message]) -> str:
    parts = [part for message in messages for part in message.parts]
    senses = [
        sense for kind, sense in ((ImagePart, "see"), (AudioPart, "hear")) if any(isinstance(p, kind) for p in parts)
    ]
    return f"{name} can't {' or '.join(senses)}; give its projector with --mmproj, or choose a model that can"
