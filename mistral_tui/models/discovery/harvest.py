"""What looking into a place brings: models, what was passed over and why, and which folders to watch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mistral_tui.types.catalog import ModelSource, Skipped
from mistral_tui.types.models import ModelFormat
from mistral_tui.types.text import printable_line


@dataclass(frozen=True)
class Found:
    """A model in its place; its files were not read."""

    name: str
    """As people call it; not unique."""
    path: Path
    """Absolute. A GGUF file, of a split one the first part; or a folder of safetensors files."""
    origin: str
    format: ModelFormat = "gguf"
    size_bytes: int = 0
    kind: str = "text"
    mmproj: Path | None = None
    adapters: tuple[Path, ...] = ()
    licence: str = ""
    system_prompt: str = ""
    publisher_says: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass
class Harvest:
    """Collects what a source finds."""

    source: ModelSource
    places: tuple[Path, ...]
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)
    """Those that were looked into; a change of one means that there may be something new."""

    def skip(self, path: Path, reason: str) -> None:
        """Note that a path is passed over; of a great many only the first ones."""
        if len(self.skipped) < _MOST_SKIPPED:
            self.skipped.append(Skipped(path, printable_line(reason)))


Discover = Callable[[], Harvest]
"""Looks into the places of one source. Takes no longer than a few seconds, and never raises."""
_MOST_SKIPPED = 1000
