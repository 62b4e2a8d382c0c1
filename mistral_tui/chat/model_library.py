"""The models of this machine as a person manages them: what there is, what is loaded, what is being fetched."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mistral_tui.chat.workspace import Workspace
from mistral_tui.models.downloads import Downloads, Fetch
from mistral_tui.models.files import split_parts
from mistral_tui.models.memory_fit import free_memory, gigabytes
from mistral_tui.types.catalog import CatalogEntry, Listing
from mistral_tui.types.errors import DownloadFailed, ModelError, ModelNotFound, StoreError
from mistral_tui.types.models import LoadProgress, ModelEntry
from mistral_tui.types.pool import HeldModel

if TYPE_CHECKING:
    from mistral_tui.models.details import ModelDetails


@dataclass(frozen=True)
class Shelf:
    """All models at one moment."""

    listing: Listing = field(default_factory=Listing)
    held: Mapping[str, HeldModel] = field(default_factory=dict)
    """Those that are loaded or being loaded, by name."""
    last_used: Mapping[str, float] = field(default_factory=dict)
    """When models answered last, by name."""
    free_bytes: int = 0
    """Memory that a model could have: what is free, and what idle models would give up."""
    default: str = ""
    """The name of the model that answers new chats."""

    @property
    def unread(self) -> int:
        """How many models have files that were not looked into yet."""
        return sum(entry.entry.downloaded and entry.facts is None for entry in self.listing.entries)


class ModelLibrary:
    """What can be done with models beside talking with them.

    Args:
        workspace: Whose models they are.
        fetch: Fetches a model; `None`: nothing can be fetched.
        settings_file: Where the default model is remembered; `None`: nowhere.
        inventory: The program's own, for models that are added; `None`: none can be.
    """

    def __init__(
        self,
        workspace: Workspace,
        fetch: Fetch | None = None,
        settings_file: Path | None = None,
        inventory: Path | None = None,
    ) -> None:
        self._workspace = workspace
        self._settings_file = settings_file
        self._inventory = inventory
        self.downloads = Downloads(fetch or _cannot_fetch)
        """What is being fetched; it goes on whatever is on the screen."""

    async def look(self, seconds: float = 0.0) -> Shelf:
        """Return what there is.

        Args:
            seconds: How long to read the headers of model files that were not read before; the next look goes on.
        """
        workspace = self._workspace
        listing, held, used = await asyncio.gather(
            asyncio.to_thread(self._scan, seconds), workspace.loaded_models(), self._last_used()
        )
        return Shelf(
            listing,
            {model.name: model for model in held},
            used,
            await asyncio.to_thread(_memory_for, held),
            workspace.entry.name if workspace.entry else "",
        )

    async def held(self) -> dict[str, HeldModel]:
        """Return the models that are loaded or being loaded, by name."""
        return {model.name: model for model in await self._workspace.loaded_models()}

    async def changed(self, listing: Listing) -> bool:
        """Return whether there may be other models now than in a listing."""
        catalog = self._workspace.catalog
        return False if catalog is None else await asyncio.to_thread(catalog().changed, listing)

    async def find(self, name: str) -> ModelEntry:
        """Return the model of this name, or of one that begins like it.

        Raises:
            ModelNotFound: There is none, or several.
        """
        catalog = self._workspace.catalog
        if catalog is None:
            raise ModelNotFound("there is only the one model")
        return await asyncio.to_thread(catalog().find, name)

    async def details(self, entry: CatalogEntry) -> "ModelDetails":
        """Return all that is known of a model."""
        from mistral_tui.models.details import read_details  # the first screen shows none of it

        return await asyncio.to_thread(read_details, entry, self._workspace.options)

    async def load(self, entry: ModelEntry, on_progress: Callable[[LoadProgress], None]) -> None:
        """Load a model now.

        Raises:
            ModelError, EngineError: It cannot be loaded.
        """
        await self._workspace.load_model(entry, on_progress)

    async def unload(self, entry: ModelEntry) -> None:
        """Unload a model.

        Raises:
            ModelNotFound: It is not loaded.
            EngineError: It is answering, or being loaded.
        """
        await self._workspace.unload_model(entry)

    async def make_default(self, entry: ModelEntry) -> None:
        """Let a model answer new chats, now and in later runs; chats that have begun keep theirs.

        Raises:
            ConfigError: It counts for this run, but cannot be remembered.
        """
        self._workspace.use_by_default(entry)
        if self._settings_file is not None:
            from mistral_tui.config.settings_edits import save_setting  # a TOML editor, for this alone

            await asyncio.to_thread(save_setting, self._settings_file, "default_model", entry.name)

    async def add(self, path: Path) -> str:
        """Put a model file into the inventory, and return its name there. The file stays where it is.

        Raises:
            ModelNotFound, BadModelFile: There is no such file, or it is no model.
            ConfigError: The inventory cannot be written.
        """
        return await asyncio.to_thread(_add, self._inventory, path)

    def ways_to_remove(self, entry: CatalogEntry) -> dict[str, str]:
        """Return what `remove` can do with a model, in words; the first changes nothing."""
        ways = {"keep": "leave it as it is"}
        if self.downloads.of(entry.name) is not None:
            ways["stop"] = "fetch it no longer"
        # The stores of other programs are theirs to keep in order.
        if entry.entry.downloaded and entry.source in ("inventory", "folder", "here"):
            ways["file"] = f"delete its file for good, {gigabytes(entry.entry.size_bytes)}"
        return ways

    async def remove(self, entry: CatalogEntry, way: str) -> str:
        """Do away with a model, and return what was done.

        Args:
            entry: The model.
            way: A key of `ways_to_remove`.

        Raises:
            EngineError: It is answering, or being loaded.
            ModelError: Its file cannot be deleted.
        """
        match way:
            case "stop":
                self.downloads.drop(entry.name)
                return f"{entry.name} is not fetched any more"
            case "file":
                with contextlib.suppress(ModelNotFound):
                    await self._workspace.unload_model(entry.entry)
                await asyncio.to_thread(_delete, entry.entry)
                return f"{entry.name} is deleted"
        return ""

    async def close(self) -> None:
        """Stop fetching; what is there is kept."""
        await self.downloads.close()

    def _scan(self, seconds: float) -> Listing:
        if self._workspace.catalog is not None:
            until = time.monotonic() + seconds
            return self._workspace.catalog().scan(read=seconds > 0, stopped=lambda: time.monotonic() > until)
        entry = self._workspace.entry
        return Listing() if entry is None else Listing((CatalogEntry(entry, "inventory"),))

    async def _last_used(self) -> dict[str, float]:
        try:
            return await self._workspace.models_last_used()
        except StoreError:  # the list of chats says so; here it is only a matter of order
            return {}


async def _cannot_fetch(entry: ModelEntry, report: object) -> ModelEntry:
    raise DownloadFailed(f"{entry.name} cannot be fetched here; `mistral-tui models pull` can")


def _memory_for(held: tuple[HeldModel, ...]) -> int:
    return free_memory() + sum(model.memory_bytes for model in held if model.state == "idle")


def _add(inventory: Path | None, path: Path) -> str:
    from mistral_tui.models.gguf_header import read_header
    from mistral_tui.models.overlay import register

    path = path.absolute()
    if inventory is None or not path.exists():
        raise ModelNotFound(f"no such model file: {path}")
    read_header(path)
    register(inventory, path.stem, {"path": str(path), "format": "gguf"})
    return path.stem


def _delete(model: ModelEntry) -> None:
    for file in split_parts(model.path):
        try:
            if file.is_dir() and not file.is_symlink():
                raise ModelError(f"{file} is a folder; delete it by hand")
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"{file} cannot be deleted: {error.strerror or error}") from None
