"""Putting models into the program's own inventory: files that are there, and what was fetched from the hub."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from mistral_tui.models.download import fetch, fetch_choice, look_up
from mistral_tui.models.facts import read_facts
from mistral_tui.models.files import size_on_disk
from mistral_tui.models.hub.choosing import Choice
from mistral_tui.models.hub.reference import HubReference
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.overlay import register, source_of_registered
from mistral_tui.models.projector_file import check_projector
from mistral_tui.models.transfer import Report
from mistral_tui.types.catalog import ModelFacts
from mistral_tui.types.errors import BadModelFile, InvalidRequest, ModelNotFound
from mistral_tui.types.models import ModelEntry, ModelFormat
from mistral_tui.types.text import printable_line

KINDS: Final = ("text", "vision", "audio", "embedding", "diffusion", "speech")


class OwnInventory:
    """The inventory that the program writes, as part of all models.

    Args:
        overlay: Its file, `Paths.inventory_overlay`.
        models: The folder that downloads go to.
        inventory: Reads all that inventories name; names are not given twice.
    """

    def __init__(self, overlay: Path, models: Path, inventory: Callable[[], Inventory]) -> None:
        self._overlay = overlay
        self._models = models
        self._inventory = inventory

    def add(
        self, path: Path, name: str | None = None, kind: str | None = None, mmproj: Path | None = None, notes: str = ""
    ) -> ModelEntry:
        """Add a model that is on disk, so that it can be called by name from everywhere.

        Args:
            path: A GGUF file, of a split one the first part; or a folder of safetensors files.
            name: To call it by; `None`: the name of the file.
            kind: One of `KINDS`; `None`: what its files say.
            mmproj: What it sees or hears with, where that does not lie beside it.
            notes: What to remember of it.

        Raises:
            ModelNotFound: There is no such file.
            BadModelFile: It is no model, or damaged.
            InvalidRequest: The name belongs to another model, or the kind is none.
            ConfigError: The inventory cannot be written.
        """
        path = path.expanduser().absolute()
        form: ModelFormat = "safetensors" if path.is_dir() else "gguf"
        size = size_on_disk(path)
        if size is None:
            raise ModelNotFound(f"there is no model at {path}; name a .gguf file or a folder with safetensors files")
        facts = read_facts(path, form, size)
        _check(path, facts)
        if kind is not None and kind not in KINDS:
            raise InvalidRequest(f"{printable_line(kind)!r} is no kind of model; write one of {', '.join(KINDS)}")
        values: dict[str, Any] = {"path": str(path), "format": form, "kind": kind or kind_of(facts)}
        if mmproj is not None:
            check_projector(mmproj)
            values["mmproj"] = str(mmproj.expanduser().absolute())
        if notes:
            values["notes"] = printable_line(notes)
        return self._register(printable_line(name or path.stem), path, values)

    async def pull(self, reference: HubReference, on_progress: Report, *, projector: bool = True) -> ModelEntry:
        """Fetch a model from the hub, or go on with it, and add it.

        Args:
            reference: What to fetch.
            on_progress: Called in the event loop.
            projector: Whether to take along what it sees or hears with.

        Raises:
            DownloadFailed: Says why and what to do.
            ConfigError: It was fetched, but the inventory cannot be written.
        """
        choice = await look_up(reference, projector=projector)
        path = await fetch_choice(choice, self.place_of(choice), on_progress)
        kind = kind_of(read_facts(path, choice.form, choice.size_bytes))
        return self._register_choice(choice, path, {"kind": kind})

    def promise(self, choice: Choice) -> ModelEntry:
        """List a model of the hub before it is fetched, so that a download that is left unfinished is found again.

        Raises:
            ConfigError: The inventory cannot be written.
        """
        return self._register_choice(choice, self.place_of(choice), {"size_gb": round(choice.size_bytes / 1e9, 3)})

    async def fetch(self, entry: ModelEntry, report: Callable[[int, int], None]) -> ModelEntry:
        """Fetch a model of an inventory, or go on with it.

        Args:
            entry: The model.
            report: Told of bytes done and in all, in the event loop.

        Returns:
            The model as it is on disk.

        Raises:
            DownloadFailed: Says why and what to do.
            ConfigError: It was fetched, but the inventory cannot be written.
        """
        path = await fetch(entry, self._models, lambda progress: report(progress.done, progress.total))
        here = msgspec.structs.replace(entry, path=path, size_bytes=path.stat().st_size, downloaded=True)
        await asyncio.to_thread(self._note_kind, here)
        return here

    def has_promised(self, entry: ModelEntry) -> bool:
        """Return whether a model that is not here is listed only because it was to be fetched."""
        return not entry.downloaded and source_of_registered(self._overlay, entry.name) is not None

    def place_of(self, choice: Choice) -> Path:
        """Return where a model from the hub goes: `OWNER/NAME/FILE` in the models folder, so that no two meet."""
        folder = self._models.joinpath(*choice.reference.repository.split("/"))
        return folder / Path(choice.files[0].path).name if choice.form == "gguf" else folder

    def _note_kind(self, entry: ModelEntry) -> None:
        """Write down what the files of a promised model say of its kind, now that they are here."""
        if source_of_registered(self._overlay, entry.name) is not None:
            kind = kind_of(read_facts(entry.path, entry.format, entry.size_bytes))
            register(self._overlay, entry.name, {"kind": kind})

    def _register_choice(self, choice: Choice, path: Path, values: dict[str, Any]) -> ModelEntry:
        values = {"path": str(path), "format": choice.form, "source": choice.source, **values}
        if choice.sha256:
            values["sha256"] = choice.sha256
        if choice.projector is not None:
            values["mmproj"] = str(path.with_name(Path(choice.projector.path).name))
        taken = self._holder(choice.name, path, choice.source)
        return self._register(f"{choice.reference.repository}/{choice.name}" if taken else choice.name, path, values)

    def _register(self, name: str, path: Path, values: dict[str, Any]) -> ModelEntry:
        if not name:
            raise InvalidRequest("the name is empty; give one with --name")
        if (holder := self._holder(name, path, values.get("source"))) is not None:
            raise InvalidRequest(f"{name!r} is the name of {holder}; give another one with --name")
        register(self._overlay, name, values)
        return self._inventory().find(name)

    def _holder(self, name: str, path: Path, source: str | None) -> str | None:
        """Return where the other model lies that has this name already, if there is one."""
        for entry in self._inventory().entries:
            if entry.name.casefold() == name.casefold() and entry.path != path:
                if entry.name == name and not entry.downloaded and entry.source in (None, source):
                    return None  # this is what it names
                return str(entry.path)
        return None


def kind_of(facts: ModelFacts) -> str:
    """Return the kind of a model, as the inventory has it."""
    senses = {"embedding": "embedding", "image": "diffusion", "speech": "speech", "sees": "vision", "hears": "audio"}
    return next((kind for sense, kind in senses.items() if sense in facts.modalities), "text")


def _check(path: Path, facts: ModelFacts) -> None:
    if facts.problem:
        raise BadModelFile(facts.problem)
    if facts.role == "projector":
        raise BadModelFile(f"{path} is a projector (mmproj) and no model; name it with --mmproj when you add its model")
    if facts.role != "model":
        raise BadModelFile(f"{path} is no model but {'a LoRA' if facts.role == 'adapter' else 'something else'}")
