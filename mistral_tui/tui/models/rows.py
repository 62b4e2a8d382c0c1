"""What stands in the list of models: which rows in which order, and what each says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mistral_tui.chat.model_library import Shelf
from mistral_tui.models.downloads import Download
from mistral_tui.tui.models.loading import size_words
from mistral_tui.tui.models.matching import match
from mistral_tui.types.catalog import CatalogEntry, ModelSource
from mistral_tui.types.text import printable_line

Fit = Literal["fits", "tight", "too big", ""]
Doing = Callable[[str], str]
"""Says what a model is doing by its name, if it is being fetched or loaded; empty: neither."""

LONGEST_NAME: Final = 200
HEADINGS: Final[dict[ModelSource, str]] = {
    "inventory": "inventory",
    "here": "this folder",
    "folder": "folders of models",
    "hugging face": "Hugging Face cache",
    "lm studio": "LM Studio",
    "ollama": "Ollama",
    "remote": "on other servers",
}
"""The groups, in their order."""
FIT_STYLES: Final = {"fits": "$text-success", "tight": "$text-warning", "too big": "$text-error"}
_TIGHT: Final = 0.8
"""A model that takes more than this share of what is free leaves little for anything else."""
_GUESS: Final = 1.25
"""What a model that is not here takes, by its size."""
_WORDS: Final = {"embedding": "vectors", "image": "draws", "speech": "speaks"}


@dataclass(frozen=True)
class Heading:
    """The name of a group."""

    text: str
    count: int


@dataclass(frozen=True)
class ModelRow:
    """One model, as text that is fit for a terminal."""

    entry: CatalogEntry
    name: str
    size: str
    quantization: str
    context: str
    takes: str
    licence: str
    memory: str
    fit: Fit
    state: str
    loaded: bool
    default: bool
    current: bool
    """Whether it answers the chat in view."""
    matched: tuple[int, ...] = ()
    """Characters of the name that were looked for."""

    @property
    def key(self) -> str:
        """By which it is found again after a change."""
        return self.entry.name


def rows(shelf: Shelf, doing: Doing, query: str = "", current: Path | None = None) -> list[Heading | ModelRow]:
    """Return the rows: by source, or those that are looked for, the best match first.

    Within a source those that are loaded come first, then those on disk, the last used first, then the others.

    Args:
        shelf: What there is.
        doing: What a model is doing.
        query: What is looked for.
        current: The file of the model that answers the chat in view.
    """
    entries = sorted(shelf.listing.entries, key=lambda entry: _order(entry, shelf))
    if query.strip():
        found = [(match(query, _name(entry), _known(entry)), entry) for entry in entries]
        matches = [(hit[0], hit[1], entry) for hit, entry in found if hit is not None]
        matches.sort(key=lambda each: -each[0])
        return [_row(entry, shelf, doing, current, places) for _, places, entry in matches]
    listed: list[Heading | ModelRow] = []
    for source, heading in HEADINGS.items():
        group = [entry for entry in entries if entry.source == source]
        if group:
            listed.append(Heading(heading, len(group)))
            listed += [_row(entry, shelf, doing, current) for entry in group]
    return listed


def models_of(listed: Sequence[Heading | ModelRow]) -> list[ModelRow]:
    """Return the rows that are models."""
    return [row for row in listed if isinstance(row, ModelRow)]


def memory_of(entry: CatalogEntry) -> tuple[int, bool]:
    """Return what a model takes, and whether that is only guessed from its size; 0: nothing is known."""
    if entry.memory_bytes:
        return entry.memory_bytes, False
    return (0, True) if entry.source == "remote" else (guessed_memory(entry.entry.size_bytes), True)


def guessed_memory(size_bytes: int) -> int:
    """Return what a model takes about whose files nothing is known but their size."""
    return round(size_bytes * _GUESS)


def fit_of(needed: int, free: int) -> Fit:
    """Return whether a model fits into the memory that is free."""
    if not needed or not free:
        return ""
    return "fits" if needed <= free * _TIGHT else "tight" if needed <= free else "too big"


def state_of(entry: CatalogEntry, shelf: Shelf) -> str:
    """Return where a model is."""
    held = shelf.held_of(entry.entry)
    if held is not None:
        return "loaded" if held.state == "idle" else held.state
    availability = entry.availability()
    return "not here yet" if availability == "not downloaded" else availability


def download_words(download: Download | None) -> str:
    """Return how a download is doing."""
    if download is None:
        return ""
    percent = f" {int(download.share * 100):>2} %" if download.total else ""
    words = {"running": f"downloading{percent}", "paused": f"paused at{percent}", "failed": "download failed"}
    return words.get(download.state, download.state)


def _order(entry: CatalogEntry, shelf: Shelf) -> tuple[int, float, str]:
    rank = 0 if shelf.held_of(entry.entry) else 1 if entry.entry.downloaded else 2
    return rank, -shelf.last_used.get(entry.name, 0.0), entry.name.casefold()


def _row(
    entry: CatalogEntry, shelf: Shelf, doing: Doing, current: Path | None, matched: tuple[int, ...] = ()
) -> ModelRow:
    needed, guessed = memory_of(entry)
    loaded = shelf.held_of(entry.entry) is not None
    return ModelRow(
        entry=entry,
        name=_name(entry),
        size=size_words(entry.entry.size_bytes) if entry.entry.size_bytes else "",
        quantization=_line(entry.quantization, 12),
        context=_context(entry.facts.context_length) if entry.facts else "",
        takes=_takes(entry),
        licence=_line(entry.licence, 40),
        memory=f"{'~' if guessed else ''}{size_words(needed)}" if needed else "",
        fit="" if loaded or entry.problem else fit_of(needed, shelf.free_bytes),
        state=doing(entry.name) or state_of(entry, shelf),
        loaded=loaded,
        default=entry.entry.path == shelf.default,
        current=entry.entry.path == current,
        matched=matched,
    )


def _takes(entry: CatalogEntry) -> str:
    return " ".join(_WORDS.get(each, each) for each in entry.modalities)


def _context(tokens: int) -> str:
    if not tokens:
        return ""
    return f"{tokens // 1024}k" if tokens >= 1024 and tokens % 1024 == 0 else f"{tokens:,}"


def _name(entry: CatalogEntry) -> str:
    return _line(entry.name, LONGEST_NAME) or "model"


def _known(entry: CatalogEntry) -> str:
    facts = entry.facts
    words = (
        HEADINGS[entry.source],
        entry.source,
        entry.quantization,
        facts.architecture if facts else "",
        _takes(entry),
    )
    return " ".join((*words, entry.origin[:LONGEST_NAME], entry.licence[:LONGEST_NAME]))


def _line(text: str, longest: int) -> str:
    return printable_line(text[: 4 * longest])[:longest]
