"""Remembers what model files say of themselves, so that listing hundreds of them reads none a second time."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from mistral_tui.models.facts import read_facts
from mistral_tui.models.files import split_parts
from mistral_tui.types.catalog import ModelFacts
from mistral_tui.types.models import ModelFormat

_VERSION: Final = 1
"""Of the facts: what an older version has read is read again."""
_MOST: Final = 10_000
_LARGEST_FILE: Final = 32 * 2**20


class _Known(msgspec.Struct, frozen=True):
    """Facts, and the state of the files that they were read from."""

    size: int
    changed_ns: int
    facts: ModelFacts


class _File(msgspec.Struct, frozen=True):
    version: int
    known: dict[str, _Known]


class FactsCache:
    """The facts of model files by path, size and time of change.

    For one thread at a time. A cache file that is damaged, or cannot be written, costs time and nothing else.

    Args:
        file: Where it is kept between runs; read when facts are first asked for.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, _Known] | None = None
        self._changed = False

    def known(self, path: Path) -> ModelFacts | None:
        """Return what is known of a model whose files were not changed since; none of them is opened."""
        found = self._all.get(str(path))
        return found.facts if found is not None and (found.size, found.changed_ns) == _state(path) else None

    def facts(self, path: Path, form: ModelFormat, size_bytes: int) -> ModelFacts:
        """Return the facts of a model that is on disk; reads its files if they are not known.

        Args:
            path: Its file, of a split one the first part; or its folder.
            form: Which of them.
            size_bytes: Its size on disk.
        """
        facts = self.known(path)
        if facts is None:
            size, changed = _state(path)
            facts = read_facts(path, form, size_bytes)
            if changed:
                self._all[str(path)] = _Known(size, changed, facts)
                self._changed = True
        return facts

    def save(self) -> None:
        """Keep for the next run what was read since the last time."""
        if not self._changed or self._known is None:
            return
        self._changed = False
        self._known = dict(list(self._known.items())[-_MOST:])
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.encode(_File(_VERSION, self._known)))
                Path(name).replace(self._file)
            finally:
                Path(name).unlink(missing_ok=True)

    @property
    def _all(self) -> dict[str, _Known]:
        if self._known is None:
            self._known = _read(self._file)
        return self._known


def _read(file: Path) -> dict[str, _Known]:
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST_FILE:
            return {}
        read = msgspec.json.decode(file.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, ValueError):
        return {}
    return read.known if read.version == _VERSION else {}


def _state(path: Path) -> tuple[int, int]:
    """Return size and time of change of a model's files; a time of 0: it is not there."""
    try:
        states = [part.stat() for part in split_parts(path)]
    except (OSError, ValueError):
        return 0, 0
    # A change of the permissions alone is seen in ctime only.
    return sum(state.st_size for state in states), max(max(state.st_mtime_ns, state.st_ctime_ns) for state in states)
