"""The models of this machine as a person manages them: what there is, what is loaded, what is being fetched."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.config.presets import Preset, read_presets, save_preset
from mistral_tui.models.downloads import Downloads, Fetch
from mistral_tui.types.catalog import CatalogEntry, Listing
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import DownloadFailed, EndpointError, InvalidRequest, ModelNotFound, StoreError
from mistral_tui.types.models import LoadProgress, ModelEntry
from mistral_tui.types.pool import HeldModel
from mistral_tui.types.text import printable_line

if TYPE_CHECKING:
    from mistral_tui.models.adding import OwnInventory
    from mistral_tui.models.details import ModelDetails
    from mistral_tui.models.hub.choosing import Choice
    from mistral_tui.models.hub.reference import HubReference
    from mistral_tui.models.removing import Removal


_MOST_NAMED = 4
"""So many models of a server are named."""


@dataclass(frozen=True)
class Shelf:
    """All models at one moment."""

    listing: Listing = field(default_factory=Listing)
    held: Mapping[str, HeldModel] = field(default_factory=dict)
    """Those that are loaded or being loaded, by the path of their file: it may be called by several names."""
    last_used: Mapping[str, float] = field(default_factory=dict)
    """When models answered last, by name."""
    free_bytes: int = 0
    """Memory that a model could have: what is free, and what idle models would give up."""
    default: Path | None = None
    """The file of the model that answers new chats."""

    def held_of(self, entry: ModelEntry) -> HeldModel | None:
        """Return how a model is loaded, if it is."""
        return self.held.get(str(entry.path))

    @property
    def unread(self) -> int:
        """How many models have files that were not looked into yet."""
        return sum(entry.entry.downloaded and entry.facts is None for entry in self.listing.entries)


class ModelLibrary:
    """What can be done with models beside talking with them.

    Args:
        workspace: Whose models they are.
        fetch: Fetches a model; `None`: nothing can be fetched.
        paths: Where the person's files are; `None`: nothing is remembered or deleted.
        own: Returns the inventory that the program writes; `None`: no model can be added.
    """

    def __init__(
        self,
        workspace: Workspace,
        fetch: Fetch | None = None,
        paths: Paths | None = None,
        own: Callable[[], "OwnInventory"] | None = None,
    ) -> None:
        self._workspace = workspace
        self._paths = paths
        self._own = own
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
            {model.path: model for model in held},
            used,
            await asyncio.to_thread(_memory_for, held),
            workspace.entry.path if workspace.entry else None,
        )

    async def ask_endpoints(self) -> None:
        """Ask the servers of the settings what they run; the next look lists it. Takes some seconds at most."""
        if self._workspace.catalog is None:
            return
        catalog = self._workspace.catalog()
        endpoints = await asyncio.to_thread(lambda: catalog.endpoints)
        if endpoints:
            from mistral_tui.engines.remote.checking import models_of  # HTTP, for those alone who have some

            catalog.remote = await models_of(endpoints)

    async def test_endpoint(self, endpoint: Endpoint) -> str:
        """Ask a server for its models, and return what it has, in words.

        Raises:
            EndpointError: It cannot be used; says why.
        """
        from mistral_tui.engines.remote.checking import check_endpoints  # HTTP, for those alone who ask

        (report,) = await check_endpoints((endpoint,))
        if report.problem is not None:
            raise EndpointError(report.problem)
        names = ", ".join(printable_line(model.name) for model in report.models[:_MOST_NAMED])
        more = f" and {len(report.models) - _MOST_NAMED} more" if len(report.models) > _MOST_NAMED else ""
        return f"it answers, after {report.seconds * 1000:.0f} ms; it has {names or 'no models'}{more}"

    def forget_endpoints(self) -> None:
        """Forget what servers said when they were last asked: the settings name others now."""
        if self._workspace.catalog is not None:
            self._workspace.catalog().remote = ()

    async def smallest(self) -> ModelEntry | None:
        """Return the smallest text model on this machine, wherever it lies."""
        catalog = self._workspace.catalog
        return None if catalog is None else await asyncio.to_thread(catalog().smallest)

    async def held(self) -> dict[str, HeldModel]:
        """Return the models that are loaded or being loaded, by the path of their file."""
        return {model.path: model for model in await self._workspace.loaded_models()}

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

    async def presets_of(self, found: CatalogEntry) -> list[Preset]:
        """Return the presets that are meant for a model, and what its publisher means it to be used with."""
        presets = [] if self._paths is None else (await asyncio.to_thread(read_presets, self._paths.presets))[0]
        own = [preset for preset in presets if preset.model == found.name]
        if found.system_prompt:
            own.append(Preset("as its publisher means it", {}, found.system_prompt, found.name))
        return own

    async def preset_of(self, entry: ModelEntry) -> Preset | None:
        """Return the preset with which chats begin that a model answers: the one that has its name."""
        if self._paths is None:
            return None
        presets, _ = await asyncio.to_thread(read_presets, self._paths.presets)
        return next((preset for preset in presets if preset.name == preset.model == entry.name), None)

    async def keep_preset(self, entry: ModelEntry, preset: Preset) -> None:
        """Let chats that a model answers begin with a preset.

        Raises:
            ConfigError: The file of presets is damaged, or cannot be written.
        """
        if self._paths is not None:
            own = msgspec.structs.replace(preset, name=entry.name, model=entry.name)
            await asyncio.to_thread(save_preset, self._paths.presets, own)

    async def make_default(self, entry: ModelEntry) -> None:
        """Let a model answer new chats, now and in later runs; chats that have begun keep theirs.

        Raises:
            ConfigError: It counts for this run, but cannot be remembered.
        """
        self._workspace.use_by_default(entry)
        if self._paths is not None:
            from mistral_tui.config.settings_edits import save_setting  # a TOML editor, for this alone

            await asyncio.to_thread(save_setting, self._paths.settings_file, "default_model", entry.name)

    async def add(self, path: Path) -> str:
        """Put a model that is on disk into the inventory, and return its name there. Its file stays where it is.

        Raises:
            ModelNotFound, BadModelFile: There is no such file, or it is no model.
            InvalidRequest: Another model has its name.
            ConfigError: The inventory cannot be written.
        """
        own = self._own
        if own is None:
            raise InvalidRequest(f"{path} cannot be added here; `mistral-tui models add` can")
        return (await asyncio.to_thread(lambda: own().add(path))).name

    async def look_on_hub(self, reference: "HubReference") -> "tuple[Choice, ...]":
        """Ask the hub which models it has under a name, the smallest first.

        Raises:
            DownloadFailed: There is none, it may not be read, or the hub cannot be reached.
        """
        if self._own is None:
            raise DownloadFailed(f"{reference} cannot be fetched here; `mistral-tui models pull` can")
        from mistral_tui.models.download import look_through  # the hub, for those who fetch something

        return await look_through(reference)

    async def fetch_from_hub(self, choice: "Choice") -> ModelEntry:
        """Put a model of the hub on the list, and fetch it after those that were begun before, unless it is here.

        Raises:
            ConfigError: The inventory cannot be written.
        """
        assert self._own is not None, "it was looked for"
        own = self._own()
        entry = await asyncio.to_thread(own.promise, choice)
        if not entry.downloaded:
            self.downloads.begin(entry)
        return entry

    async def ways_to_remove(self, found: CatalogEntry) -> dict[str, str]:
        """Return what `remove` can do with a model, in words; the first changes nothing.

        Raises:
            InvalidRequest: It is not this program's to remove; says whose.
        """
        ways = {"keep": "leave it as it is"}
        if self.downloads.of(found.name) is not None:
            ways["stop"] = "fetch it no longer"
        if found.source == "remote" or self._paths is None:
            return ways
        if not found.entry.downloaded:
            if self._own is not None and await asyncio.to_thread(self._own().has_promised, found.entry):
                ways["list"] = "take it off the list, and throw away what is here of it"
            return ways
        removal, deletion = await asyncio.to_thread(self._plans, found)
        if found.source == "inventory" and not removal.files:
            ways["list"] = "take it off the list; its file stays"
        files = f", with {len(deletion.files)} files" if len(deletion.files) > 1 else ""
        ways["file"] = f"delete it for good{files}"
        return ways

    async def remove(self, found: CatalogEntry, way: str) -> str:
        """Do away with a model, and return what was done.

        Args:
            found: The model.
            way: A key of `ways_to_remove`.

        Raises:
            InvalidRequest: Only the inventory of the person names it.
            EngineError: It is answering, or being loaded.
            ModelError: A file cannot be deleted.
            ConfigError: The inventory cannot be written.
        """
        if way == "stop":
            self.downloads.drop(found.name)
            return f"{found.name} is not fetched any more"
        if way == "keep" or self._paths is None:
            return ""
        if not found.entry.downloaded:
            self.downloads.drop(found.name)
        if way == "file":
            with contextlib.suppress(ModelNotFound):
                await self._workspace.unload_model(found.entry)
        paths = self._paths

        def carry_out() -> bool:
            from mistral_tui.models.download import discard
            from mistral_tui.models.removing import remove

            if not found.entry.downloaded:
                discard(found.entry, paths.models)
            return remove(self._plans(found)[way == "file"], paths.inventory_overlay, paths.models)

        if not await asyncio.to_thread(carry_out) and way == "list":
            raise InvalidRequest(f"{found.name} is named by an inventory that is yours to edit")
        return f"{found.name} is deleted" if way == "file" else f"{found.name} is off the list"

    def _plans(self, found: CatalogEntry) -> "tuple[Removal, Removal]":
        """Return what taking a model off the list does, and what deleting it does."""
        from mistral_tui.models.removing import plan_removal

        assert self._paths is not None
        deletion = plan_removal(found, self._paths.models, files=True)
        if found.source != "inventory":
            return deletion, deletion
        return plan_removal(found, self._paths.models, files=False), deletion

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
    from mistral_tui.models.memory_fit import free_memory  # it looks at the machine, and its import at start-up shows

    return free_memory() + sum(model.memory_bytes for model in held if model.state == "idle")
