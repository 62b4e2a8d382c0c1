"""Everything that can be run, as it is offered to a person."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import msgspec

from mistral_tui.types.models import ModelEntry

ModelSource = Literal["inventory", "folder", "hugging face", "lm studio", "ollama", "here", "remote"]
"""Who knows of a model: the inventory, a configured folder, another program's store, the working folder, a server."""
Availability = Literal["loaded", "on disk", "not downloaded", "damaged", "remote", "unreachable"]
Role = Literal["model", "projector", "adapter", "other"]
"""What a file is to a person; only models are listed."""
Modality = Literal["text", "sees", "hears", "embedding", "image", "speech"]


class ModelFacts(msgspec.Struct, frozen=True):
    """What a model's files say of it, made fit for a terminal."""

    role: Role = "model"
    title: str = ""
    """What its makers call it."""
    architecture: str = ""
    quantization: str = ""
    """Such as `Q4_K_M`, or the type of the weights of a safetensors model."""
    context_length: int = 0
    """Tokens that it was trained for; 0 if that is not said."""
    parameters: int = 0
    licence: str = ""
    modalities: tuple[Modality, ...] = ("text",)
    """What it takes or makes besides text; of a projector what it lends to its model."""
    has_template: bool = True
    """Whether it carries a chat template."""
    memory_bytes: int = 0
    """What it is estimated to take when it is loaded as usual; 0 if that is not known."""
    problem: str | None = None
    """Why it cannot be used."""


class CatalogEntry(msgspec.Struct, frozen=True):
    """A model, where it was found and what is known of it."""

    entry: ModelEntry
    """What is loaded; its name is unique in the catalogue."""
    source: ModelSource
    origin: str = ""
    """The repository, folder or server that it comes from."""
    facts: ModelFacts | None = None
    """`None`: its files were not read yet, or are not there."""
    quantization: str = ""
    """From its files, else guessed from its name."""
    licence: str = ""
    aliases: tuple[str, ...] = ()
    """Longer names by which it is found, too."""
    system_prompt: str = ""
    """With which its publisher means it to be used."""
    publisher_says: dict[str, str] = {}
    """What else its publisher says of it: parameters, a template in another form."""

    @property
    def name(self) -> str:
        """Under which it is chosen."""
        return self.entry.name

    @property
    def problem(self) -> str | None:
        """Why it cannot be used; `None`: nothing is known against it."""
        return self.facts.problem if self.facts else None

    @property
    def memory_bytes(self) -> int:
        """What it is estimated to take; 0 if that is not known."""
        return self.facts.memory_bytes if self.facts else 0

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What it takes and makes."""
        if self.facts is not None and not self.facts.problem:
            return self.facts.modalities
        return _OF_KINDS.get(self.entry.kind, ("text",))

    def availability(self, loaded: Collection[Path] = ()) -> Availability:
        """Return where it is, given the paths of those that are loaded."""
        if self.source == "remote":
            return "unreachable" if self.problem else "remote"
        if self.entry.path in loaded:
            return "loaded"
        if not self.entry.downloaded:
            return "not downloaded"
        return "damaged" if self.problem else "on disk"

    def fits(self, free_bytes: int) -> bool | None:
        """Return whether it would fit into so much free memory; `None`: that cannot be said."""
        return self.memory_bytes <= free_bytes if self.memory_bytes else None


class Skipped(msgspec.Struct, frozen=True):
    """A file or folder that is not offered."""

    path: Path
    reason: str


class SourceReport(msgspec.Struct, frozen=True):
    """What one source had to offer."""

    source: ModelSource
    places: tuple[Path, ...]
    """Where was looked; not all of them need exist."""
    found: int
    """How many models are listed as coming from it."""
    skipped: tuple[Skipped, ...] = ()


class Listing(msgspec.Struct, frozen=True):
    """The catalogue at one moment."""

    entries: tuple[CatalogEntry, ...] = ()
    reports: tuple[SourceReport, ...] = ()
    watched: dict[Path, int] = {}
    """The folders that were looked into with the times of their last change, in ns; -1: not there."""
    notices: tuple[str, ...] = ()


_OF_KINDS: dict[str, tuple[Modality, ...]] = {
    "vision": ("text", "sees"),
    "audio": ("text", "hears"),
    "embedding": ("embedding",),
    "diffusion": ("image",),
    "speech": ("speech",),
}
