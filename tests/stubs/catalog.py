"""A catalogue of models that exist nowhere."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from mistral_tui.models.catalog import Catalog
from mistral_tui.models.inventory import Inventory
from mistral_tui.types.catalog import CatalogEntry, Listing, ModelFacts, ModelSource
from mistral_tui.types.errors import ModelNotFound
from mistral_tui.types.models import ModelEntry

GB = 10**9


def model(
    name: str,
    *,
    source: ModelSource = "inventory",
    size: int = GB,
    downloaded: bool = True,
    facts: ModelFacts | None = None,
    origin: str = "",
    fetched_from: str | None = None,
    quantization: str = "Q4_K_M",
    licence: str = "apache-2.0",
) -> CatalogEntry:
    """Return a model of a catalogue."""
    entry = ModelEntry(name, Path(f"/models/{name}.gguf"), "gguf", size, downloaded, source=fetched_from)
    if facts is None and downloaded:
        facts = ModelFacts(architecture="llama", context_length=8192, memory_bytes=size + size // 5)
    return CatalogEntry(entry, source, origin, facts, quantization, licence)


class FakeCatalog(Catalog):
    """Lists what a test puts into it. Headers are read only when asked for, one look at most `at_once` of them."""

    def __init__(self, entries: Sequence[CatalogEntry] = (), at_once: int = 1000) -> None:
        super().__init__(lambda: Inventory(()), (), Path("/nonexistent"))
        self.entries = list(entries)
        self.at_once = at_once
        self.version = 0
        """Changes when something was put into it."""
        self.looks: list[bool] = []
        """Whether each look was to read headers."""
        self.may_look = threading.Event()
        self.may_look.set()
        self._read: set[str] = set()

    def put(self, entry: CatalogEntry) -> None:
        """Add a model, or replace the one of this name."""
        self.entries = [each for each in self.entries if each.name != entry.name] + [entry]
        self.version += 1

    def scan(self, *, read: bool = True, stopped: Callable[[], bool] = lambda: False) -> Listing:
        self.may_look.wait(5)
        self.looks.append(read)
        if read:
            unread = [entry.name for entry in self.entries if entry.name not in self._read]
            self._read |= set(unread[: self.at_once])
        entries = [
            entry if entry.name in self._read else msgspec.structs.replace(entry, facts=None) for entry in self.entries
        ]
        return Listing(tuple(entries), (), {Path("/models"): self.version})

    def find(self, wanted: str) -> ModelEntry:
        for entry in self.entries:
            if entry.name.casefold().startswith(wanted.casefold()):
                return entry.entry
        raise ModelNotFound(f"no model is named {wanted!r}")

    def changed(self, listing: Listing) -> bool:
        return listing.watched.get(Path("/models")) != self.version
