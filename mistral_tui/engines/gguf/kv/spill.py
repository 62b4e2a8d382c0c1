"""Keeps the KV cache of chats beyond their time in the context, and beyond that of the process.

Reading and writing happen on a thread of their own; only copying from and to the context is the engine thread's.
Whatever goes wrong costs a chat nothing but the computing of its prompt, and is said once in the log.
"""

import hashlib
import sys
import threading
import time
import traceback
from array import array
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final, NamedTuple

import psutil

from mistral_tui.engines.gguf.adapters import Adapters
from mistral_tui.engines.gguf.context import Context
from mistral_tui.engines.gguf.kv.cache import KvCache, SavedChat, Sequence
from mistral_tui.engines.gguf.kv.files import DamagedFile, Header, KvFolder, fingerprint
from mistral_tui.engines.gguf.kv.parking import Parking
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.scheduling.generation import Generation
from mistral_tui.engines.gguf.text.transcript import Transcript
from mistral_tui.types.requests import GenerateRequest

_SETTLED: Final = 0.5
"""Seconds after a reply before its chat is written: perhaps the next prompt comes at once."""
_LEAST_TOKENS: Final = 32
"""A shorter chat is computed as fast as it is read."""
_MOST_WAITING: Final = 2**29
"""Bytes that may wait for a slow disk; what comes then is not kept."""
_SHARE_OF_MEMORY: Final = 4
"""A chat is kept if its copy takes at most this part of the free memory."""


class FileWanted(Exception):
    """A prompt may go on from what a file has."""


class SpillPlace(NamedTuple):
    """Where files go."""

    folder: Path
    most_bytes: int
    """What they may take together."""
    settings: str
    """Whatever a state depends on besides the model: files made with others are dropped."""


class Spill:
    """The files of one loaded model. Belongs to the engine thread.

    Args:
        context: Where sequences come from and go to.
        model: What is loaded.
        place: Where the files are; `None`: there are none.
        parking: Takes the chats that leave the context.
        adapters: Knows which LoRAs are loaded.
        on_read: Called on another thread when a request can be taken back.
    """

    def __init__(
        self,
        context: Context,
        model: Model,
        place: SpillPlace | None,
        parking: Parking,
        adapters: Adapters,
        on_read: Callable[[], None],
    ) -> None:
        self._context = context
        self._path = Path(model.path)
        self._vocabulary_size = model.vocabulary.size
        self._place = place
        self._parking = parking
        self._adapters = adapters
        self._on_read = on_read
        self._folder = KvFolder(place.folder, place.most_bytes) if place is not None else None
        self._model = hashlib.sha256(f"{self._path.resolve()} {model.size_bytes}".encode(errors="replace")).hexdigest()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting_bytes = 0
        self._counting = threading.Lock()
        self._reading: dict[str, Generation] = {}
        self._read: deque[tuple[Generation, SavedChat | None]] = deque()
        """Appended to by the other thread."""
        self._found: dict[str, SavedChat | None] = {}
        """By id of a request: what its chat's file had, until it is taken."""
        self._complained = False
        self._made_by = ""
        self._thread = threading.Thread(target=self._run, name="kv files", daemon=True)
        if self._folder is not None:
            self._thread.start()
            self._jobs.put(self._look_at_model)

    @property
    def reading(self) -> list[Generation]:
        """The requests whose files are being read."""
        return list(self._reading.values())

    def take(self, request: GenerateRequest) -> SavedChat | None:
        """Return what the file of a request's chat had, once.

        Raises:
            FileWanted: There is a file, and it was not read for this request yet.
        """
        chat_id = request.chat_id
        if request.id in self._found:
            saved, self._found[request.id] = self._found[request.id], None
            return saved
        if chat_id and self._folder is not None and self._folder.has(chat_id, self._model):
            raise FileWanted
        return None

    def park(self, sequence: Sequence) -> bool:
        """Keep what an idle sequence has, in memory and in a file; return whether its chat can come back."""
        if not sequence.chat_id or sequence.computed < _LEAST_TOKENS:
            return False
        wanted = self._wants(sequence)
        state = self._state(sequence, self._parking.most_bytes)
        if state:
            transcript, computed = sequence.transcript, sequence.computed
            saved = SavedChat(transcript, computed, sequence.first_kept, sequence.adapters, state)
            self._parking.put(sequence.chat_id, saved)
            if wanted:
                self._write(sequence, state)
        elif wanted:
            self.save(sequence)
        return bool(state) or (self._folder is not None and sequence.on_disk == sequence.computed)

    def save(self, sequence: Sequence) -> None:
        """Write what an idle sequence has to a file, unless it is in one."""
        if self._place is None or not self._wants(sequence):
            return
        with self._counting:
            room = min(self._place.most_bytes, _MOST_WAITING - self._waiting_bytes)
        if state := self._state(sequence, room):
            self._write(sequence, state)
        else:
            sequence.unsavable = True

    def _state(self, sequence: Sequence, room: int) -> bytearray:
        most = min(room, psutil.virtual_memory().available // _SHARE_OF_MEMORY)
        return self._context.state(sequence.number, most)

    def _write(self, sequence: Sequence, state: bytearray) -> None:
        folder = self._folder
        assert folder is not None
        transcript, chat_id = sequence.transcript, sequence.chat_id
        tokens, text = array("i", transcript.tokens).tobytes(), transcript.text
        marks, placed = transcript.marks, tuple(transcript.placed)
        computed, first_kept, adapters = sequence.computed, sequence.first_kept, sequence.adapters
        sequence.on_disk = computed

        def write() -> None:
            try:
                stamp, files = self._stamp(), self._adapters.fingerprints(adapters)
                header = Header(stamp, tokens, computed, text, marks, placed, first_kept, adapters, files)
                folder.write(chat_id, self._model, header, state)
            finally:
                with self._counting:
                    self._waiting_bytes -= len(state)

        with self._counting:
            self._waiting_bytes += len(state)
        self._jobs.put(write)

    def seconds_left(self, cache: KvCache) -> float | None:
        """Return when to call `settle`, if nothing else happens till then; `None`: never."""
        idle = cache.idle
        if cache.crowding is None and not any(map(self._wants, idle)):
            return None
        return max(0.0, max(sequence.released_at for sequence in idle) + _SETTLED - time.monotonic())

    def settle(self, cache: KvCache) -> None:
        """Nobody asks: do one thing for which somebody would have to wait later.

        The latest chat that is not kept yet is written, should this process be killed. When all are, and no sequence
        is free, the oldest chat leaves: a new chat, or a fork, would have to wait until it is copied.
        """
        if unsaved := [sequence for sequence in cache.idle if self._wants(sequence)]:
            self.save(unsaved[-1])
        elif (oldest := cache.crowding) is not None:
            if self.park(oldest):
                cache.clear(oldest)
            else:
                oldest.unsavable = True

    def save_all(self, idle: list[Sequence], seconds: float) -> None:
        """Keep all chats, the latest first, but write for no longer than so many seconds; the last thing to do."""
        for sequence in reversed(idle):
            self.save(sequence)
        if self._folder is not None:
            self._jobs.put(None)
            self._thread.join(seconds)

    def read(self, generation: Generation) -> None:
        """Have the file of a request's chat read; `on_read` says when it is done."""
        chat_id, folder = generation.request.chat_id, self._folder
        assert folder is not None

        def read() -> None:
            saved = None
            try:
                if found := folder.read(chat_id, self._model, self._stamp()):
                    saved = self._saved(*found)
            finally:
                self._read.append((generation, saved))
                self._on_read()

        self._reading[generation.request.id] = generation
        self._jobs.put(read)

    def pass_on(self) -> list[Generation]:
        """Return the requests whose files were read, or could not be."""
        done = []
        while self._read:
            generation, saved = self._read.popleft()
            if self._reading.pop(generation.request.id, None) is not None:
                self._found[generation.request.id] = saved
                done.append(generation)
        return done

    def give_up(self, generation: Generation) -> None:
        """Forget a request that is over."""
        self._reading.pop(generation.request.id, None)
        self._found.pop(generation.request.id, None)

    def remove(self, chat_id: str) -> None:
        """Keep nothing of a chat any more."""
        self._parking.take(chat_id)
        folder = self._folder
        if chat_id and folder is not None:
            self._jobs.put(lambda: folder.remove(chat_id))

    def _wants(self, sequence: Sequence) -> bool:
        """Return whether a sequence holds what is worth a file and is in none."""
        if self._folder is None or sequence.busy or not sequence.chat_id or not sequence.keep_on_disk:
            return False
        return sequence.computed >= _LEAST_TOKENS and sequence.on_disk != sequence.computed and not sequence.unsavable

    def _saved(self, header: Header, state: bytearray) -> SavedChat:
        tokens = array("i", header.tokens).tolist()
        least = 0 if not header.placed else -(2**31)
        if not tokens or not least <= min(tokens) <= max(tokens) < self._vocabulary_size:
            raise DamagedFile("its tokens are not the model's")
        if not 0 < header.computed <= len(tokens):
            raise DamagedFile("its header makes no sense")
        if header.adapter_files != self._adapters.fingerprints(header.adapters):
            raise DamagedFile("an adapter that it was made with has changed")
        transcript = Transcript(tokens, header.text, list(header.marks))
        transcript.placed = list(header.placed)
        return SavedChat(transcript, header.computed, header.first_kept, header.adapters, state)

    def _look_at_model(self) -> None:
        if not self._made_by and self._place is not None:
            self._made_by = f"{fingerprint(self._path)} {self._place.settings}"

    def _stamp(self) -> str:
        self._look_at_model()
        return self._made_by

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            try:
                job()
            except (OSError, DamagedFile) as error:
                self._complain(f"{error}")
            except Exception:
                traceback.print_exc()

    def _complain(self, reason: str) -> None:
        if not self._complained:
            self._complained = True
            print(f"a chat's KV cache was not kept or not found again: {reason}", file=sys.stderr, flush=True)
