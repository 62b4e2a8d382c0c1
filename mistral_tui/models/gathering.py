"""One list of what the inventory names and what was found, each model once and with a name of its own."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mistral_tui.models.discovery.harvest import Found, Harvest
from mistral_tui.models.naming import longer_names, own_name
from mistral_tui.models.quantization_name import quantization_in
from mistral_tui.types.catalog import CatalogEntry, Skipped, SourceReport
from mistral_tui.types.models import ModelEntry


class Gathering:
    """Collects entries; those of the inventory come first and keep their names."""

    def __init__(self, inventory: Iterable[ModelEntry]) -> None:
        self._entries: dict[str, CatalogEntry] = {}
        self._taken: set[str] = set()
        self._by_file: dict[object, str] = {}
        self._absent: dict[str, str] = {}
        """Models of the inventory that are not there, by the name of their file."""
        self._reports: list[SourceReport] = []
        self.folders: set[Path] = set()
        listed = 0
        for entry in inventory:
            self._entries[entry.name] = CatalogEntry(
                entry,
                "inventory",
                entry.source or str(entry.path.parent),
                quantization=quantization_in(entry.path.name),
            )
            self._taken.add(entry.name.casefold())
            self.folders.add(entry.path.parent)
            listed += 1
            if entry.downloaded:
                self._by_file.setdefault(_identity(entry.path), entry.name)
            else:
                self._absent[entry.path.name] = entry.name
        self._reports.append(SourceReport("inventory", (), listed))

    @property
    def entries(self) -> tuple[CatalogEntry, ...]:
        """What was collected, in order."""
        return tuple(self._entries.values())

    @property
    def reports(self) -> tuple[SourceReport, ...]:
        """What each source brought."""
        return tuple(self._reports)

    def add(self, harvest: Harvest) -> None:
        """Add what one source found."""
        skipped, count = list(harvest.skipped), 0
        for found in harvest.found:
            file = _identity(found.path)
            if file in self._by_file:
                skipped.append(Skipped(found.path, f"the same file as {self._by_file[file]}"))
                continue
            self._by_file[file] = self._add(found, harvest)
            count += 1
        self.folders |= harvest.folders
        self._reports.append(SourceReport(harvest.source, harvest.places, count, tuple(skipped)))

    def report(self, source: SourceReport) -> None:
        """Add what a source had that needs no gathering."""
        self._reports.append(source)

    def pass_over(self, entry: CatalogEntry, reason: str) -> None:
        """Note that an entry turned out to be no model."""
        for index, report in enumerate(self._reports):
            if report.source == entry.source:
                skipped = (*report.skipped, Skipped(entry.entry.path, reason))
                self._reports[index] = msgspec.structs.replace(report, found=report.found - 1, skipped=skipped)
                return

    def _add(self, found: Found, harvest: Harvest) -> str:
        if (absent := self._absent.pop(found.path.name, None)) is not None:
            known = self._entries[absent]
            entry = msgspec.structs.replace(
                known.entry,
                path=found.path,
                size_bytes=found.size_bytes,
                downloaded=True,
                mmproj=known.entry.mmproj or found.mmproj,
            )
            self._entries[absent] = msgspec.structs.replace(known, entry=entry, origin=found.origin)
            return absent
        name = own_name(found.name, found.path, found.origin, self._taken)
        self._taken.add(name.casefold())
        aliases = dict.fromkeys((*found.aliases, *longer_names(found.name, found.path, found.origin)))
        model = ModelEntry(
            name=name,
            path=found.path,
            format=found.format,
            size_bytes=found.size_bytes,
            downloaded=True,
            kind=found.kind,
            mmproj=found.mmproj,
            adapters=found.adapters,
        )
        self._entries[name] = CatalogEntry(
            model,
            harvest.source,
            found.origin,
            quantization=quantization_in(found.name),
            aliases=tuple(alias for alias in aliases if alias != name),
            licence=found.licence,
            system_prompt=found.system_prompt,
            publisher_says=found.publisher_says,
        )
        return name


def _identity(path: Path) -> object:
    """Return what two paths of one file have in common, however it is linked."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else Path(os.path.realpath(path))
