"""Everything that can be run: the inventory, and the models that lie in folders and in other programs' stores.

Looking through the folders takes milliseconds and opens no model; reading the models' headers takes longer the first
time, and is remembered. Both happen when they are asked for, never when the program starts.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from mistral_tui.models.discovery.harvest import Discover
from mistral_tui.models.facts_cache import FactsCache
from mistral_tui.models.gathering import Gathering
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.naming import find_named, listed
from mistral_tui.models.projector_file import projector_of
from mistral_tui.models.remote import listed_remote, remote_entries
from mistral_tui.types.catalog import CatalogEntry, Listing, ModelFacts, SourceReport
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import ModelNotFound
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable_line

_FACTS_FILE = "models.json"
_MOST_WATCHED = 2000
_ROLES = {"projector": "a projector", "adapter": "a LoRA", "other": "something that belongs to one"}


class Catalog:
    """All models. May be used from any thread; one scan runs at a time.

    Args:
        inventory: Reads the models that a file names; they come first, and keep their names.
        sources: Where else to look, in the order in which names are given.
        cache: The cache folder of the program, for what model files said.
    """

    def __init__(self, inventory: Callable[[], Inventory], sources: Sequence[Discover], cache: Path) -> None:
        self._inventory = inventory
        self._sources = tuple(sources)
        self._facts = FactsCache(cache / _FACTS_FILE)
        self._lock = threading.Lock()
        self.remote: tuple[CatalogEntry, ...] = ()
        """What the endpoints said when they were last asked; nobody asks them here."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The servers elsewhere that the settings name."""
        return self._inventory().endpoints

    def scan(self, *, read: bool = True, stopped: Callable[[], bool] = lambda: False) -> Listing:
        """Look what there is. Blocks: for milliseconds, or with `read` for as long as it takes to read new headers.

        Args:
            read: Whether to read the files that were not read before; if not, their entries have no facts yet.
            stopped: Asked before each file; once it is true, the rest is returned without facts.
        """
        with self._lock:
            inventory = self._inventory()
            gathering = Gathering(inventory.entries)
            if inventory.path is not None:
                gathering.folders.add(inventory.path.parent)
            for discover in self._sources:
                gathering.add(discover())
            entries = []
            for entry in gathering.entries:
                described = self._described(entry, read=read and not stopped())
                if described.facts is not None and described.facts.role != "model":
                    gathering.pass_over(entry, f"it is no model but {_ROLES[described.facts.role]}")
                else:
                    entries.append(described)
            self._facts.save()
        if inventory.endpoints:
            remote = self.remote or tuple(map(listed_remote, remote_entries(inventory.endpoints)))
            entries += remote
            gathering.report(SourceReport("remote", (), len(remote)))
        watched = {folder: _changed_at(folder) for folder in sorted(gathering.folders)[:_MOST_WATCHED]}
        return Listing(tuple(entries), gathering.reports, watched, inventory.notices)

    def find(self, wanted: str) -> ModelEntry:
        """Return the model of this name, or of this path. Looks into folders only if the inventory has no such name.

        An exact name counts first, then a path, then a name in any case, then one that is shortened but clear; of
        several, the only one that is on disk is meant.

        Raises:
            ModelNotFound: There is no such model, or several; the message lists them.
        """
        inventory = self._inventory()
        entry = inventory.exact(wanted)
        if entry is not None and entry.downloaded:
            return entry
        entries = self.scan(read=False).entries
        found = find_named(
            wanted, entries, lambda entry: (entry.name, *entry.aliases), lambda entry: entry.entry.downloaded
        )
        if found is not None:
            return found.entry
        path = Path(wanted.strip())
        if path.suffix.lower() == ".gguf" or path.is_absolute():
            raise ModelNotFound(f"no such model file: {path}")
        names = listed([entry.name for entry in entries])
        raise ModelNotFound(f"no model is named {printable_line(wanted)!r}; there are {names or 'none'}")

    def entry(self, wanted: str) -> CatalogEntry:
        """Return the model that `find` finds, with where it is from and what its files say.

        Raises:
            ModelNotFound: As `find`.
        """
        model = self.find(wanted)
        if model.remote is not None:
            return listed_remote(model)
        entries = self.scan(read=False).entries
        origin = str(model.path.parent)
        same = [entry for entry in entries if entry.entry.path == model.path]
        found = next((entry for entry in same if entry.name == model.name), same[0] if same else None)
        with self._lock:
            described = self._described(found or CatalogEntry(model, "folder", origin), read=True)
            self._facts.save()
        return described

    def smallest(self) -> ModelEntry | None:
        """Return the smallest text model on disk that an engine can load, by its size."""
        ready = [
            entry.entry
            for entry in self.scan().entries
            if entry.availability() == "on disk" and entry.entry.format == "gguf" and "text" in entry.modalities
        ]
        return min(ready, key=lambda entry: entry.size_bytes, default=None)

    def changed(self, listing: Listing) -> bool:
        """Return whether there may be something new since a listing; cheap enough to ask every few seconds."""
        return any(_changed_at(folder) != when for folder, when in listing.watched.items())

    def _described(self, entry: CatalogEntry, *, read: bool) -> CatalogEntry:
        """Return an entry with its facts, if they are known or may be read."""
        model = entry.entry
        if not model.downloaded:
            return entry
        facts = self._facts_of(model.path, model, read=read)
        if facts is None:
            return entry
        if (projector := _projector(entry)) is not None and not facts.problem:
            lent = self._facts_of(projector, msgspec.structs.replace(model, format="gguf"), read=read)
            if lent is not None and lent.role == "projector":
                modalities = tuple(dict.fromkeys((*facts.modalities, *lent.modalities)))
                facts = msgspec.structs.replace(facts, modalities=modalities)
        return msgspec.structs.replace(
            entry,
            entry=msgspec.structs.replace(model, kind="embedding") if facts.modalities == ("embedding",) else model,
            facts=facts,
            quantization=facts.quantization or entry.quantization,
            licence=facts.licence or entry.licence,
        )

    def _facts_of(self, path: Path, model: ModelEntry, *, read: bool) -> ModelFacts | None:
        return self._facts.facts(path, model.format, model.size_bytes) if read else self._facts.known(path)


def _projector(entry: CatalogEntry) -> Path | None:
    model = entry.entry
    if model.mmproj is not None or entry.source != "inventory" or model.format != "gguf":
        return model.mmproj  # what was found brings its own
    return projector_of(model.path, None)


def _changed_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except (OSError, ValueError):
        return -1
