"""What the tests of the list of models share: an app with a catalogue, and downloads that a test ends."""

import asyncio
from collections.abc import Callable

import msgspec
from textual.pilot import Pilot

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.models.adding import OwnInventory
from mistral_tui.models.details import ModelDetails
from mistral_tui.models.inventory import Inventory
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.models.picker import ModelPicker
from mistral_tui.tui.models.table import ModelTable
from mistral_tui.types.catalog import CatalogEntry, ModelFacts
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from tests.stubs.catalog import GB, FakeCatalog, model
from tests.stubs.engines import ENTRY, LOADED, FakeEngine, FakePool, Reply
from tests.tui.harness import key_of, screen_rows, until

MISTRAL = model("Mistral-7B", size=4 * GB)
QWEN = model("Qwen2.5-Coder", size=GB, source="hugging face", origin="Qwen/Qwen2.5-Coder-GGUF")
LLAVA = model(
    "LLaVA", source="ollama", facts=ModelFacts(modalities=("text", "sees"), memory_bytes=900 * GB, context_length=4096)
)
ABSENT = model("Phi-4", size=9 * GB, downloaded=False, fetched_from="hf:microsoft/phi-4-gguf/phi-4.gguf")
FAKE = CatalogEntry(ENTRY, "inventory", facts=ModelFacts(memory_bytes=GB))
MODELS = (FAKE, MISTRAL, QWEN, LLAVA, ABSENT)


class NamingPool(FakePool):
    """Its one engine has the name of the model that was loaded last."""

    async def acquire(
        self, entry: ModelEntry, options: LoadOptions, on_progress: Callable[[LoadProgress], None] | None = None
    ) -> FakeEngine:
        engine = await super().acquire(entry, options, on_progress)
        engine.model = msgspec.structs.replace(LOADED, name=entry.name)
        return engine


DETAILS = ModelDetails(
    figures=(
        ("architecture", "llama"),
        ("parameters", "7,241,732,096"),
        ("layers", "32 of 4,096 values, 32 heads"),
        ("memory", "about 4.8 GB with a context of 8,192: weights 4.1 GB, KV cache 0.54 GB"),
    ),
    metadata=(
        ("general.architecture", "llama"),
        ("llama.block_count", "32"),
        ("tokenizer.ggml.tokens", "32,000 values"),
    ),
    chat_template="{% for message in messages %}\n[INST] {{ message.content }} [/INST]\n{% endfor %}",
)


class KnowingLibrary(ModelLibrary):
    """Says the same of every model, for none of them has a file."""

    said: ModelDetails = DETAILS

    async def details(self, entry: CatalogEntry) -> ModelDetails:
        return self.said


class Models:
    """An app with a catalogue of models, and downloads that a test ends."""

    def __init__(
        self,
        *entries: CatalogEntry,
        entry: ModelEntry | None = ENTRY,
        paths: Paths | None = None,
        theme: str = "mistral-dark",
    ) -> None:
        self.catalog = FakeCatalog(entries or MODELS)
        self.engine = FakeEngine([Reply()])
        self.pool = NamingPool(self.engine)
        self.workspace = Workspace(self.pool, None, entry, catalog=lambda: self.catalog)
        self.fetched = asyncio.Event()
        self.fetches: list[str] = []
        self.failure: DownloadFailed | None = None

        def own() -> OwnInventory:
            assert paths is not None
            overlay, folder = paths.inventory_overlay, paths.models
            return OwnInventory(overlay, folder, lambda: Inventory.load(None, overlay, folder, strict=False))

        self.library = KnowingLibrary(self.workspace, self._fetch, paths, own if paths is not None else None)
        self.app = MistralApp(self.workspace, library=self.library, theme=theme)

    async def _fetch(self, entry: ModelEntry, report: Callable[[int, int], None]) -> ModelEntry:
        self.fetches.append(entry.name)
        report(entry.size_bytes // 4, entry.size_bytes)
        await self.fetched.wait()
        if self.failure is not None:
            raise self.failure
        self.catalog.put(model(entry.name, size=entry.size_bytes))
        return self.catalog.find(entry.name)


def picker(pilot: Pilot[None]) -> ModelPicker:
    screen = pilot.app.screen
    assert isinstance(screen, ModelPicker)
    return screen


def screen_text(pilot: Pilot[None]) -> str:
    return "\n".join(screen_rows(pilot.app.screen))


def marked(pilot: Pilot[None]) -> str:
    row = pilot.app.screen.query_one(ModelTable).row
    return row.name if row else ""


async def opened(pilot: Pilot[None], name: str = "fake-1M") -> ModelPicker:
    """Open the list, and wait until all is read."""
    await pilot.press("alt+l")
    await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker) and name in screen_text(pilot), "the list")
    await until(pilot, lambda: not picker(pilot)._shelf.unread and picker(pilot)._looked, "the files")
    return picker(pilot)


async def search(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*(key_of(char) for char in text))
