"""The list of models as pictures, in two sizes, dark and light."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from mistral_tui.tui.models.questions import AddModel, Question
from mistral_tui.types.catalog import ModelFacts
from mistral_tui.types.pool import HeldModel
from tests.stubs.catalog import GB, model
from tests.tui.harness import started, until
from tests.tui.picker_app import ABSENT, FAKE, Models, opened, screen_text, search

pytestmark = pytest.mark.core

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
Before = Callable[[Pilot[None]], Awaitable[None]]
Scene = tuple[Models, Before]

MANY = (
    FAKE,
    model("SmolLM2-135M-Instruct", size=GB // 10, quantization="Q4_1"),
    model("gemma-2-2b-it", size=17 * GB // 10, licence="gemma"),
    model("Mistral-Small-24B-Instruct-2501", size=14 * GB),
    ABSENT,
    model("Qwen2.5-Coder-0.5B-Instruct", size=GB // 2, source="hugging face", origin="Qwen/Qwen2.5-Coder-0.5B"),
    model(
        "Qwen2.5-VL-7B",
        size=5 * GB,
        source="hugging face",
        facts=ModelFacts(
            modalities=("text", "sees"), memory_bytes=7 * GB, context_length=131072, architecture="qwen2vl"
        ),
    ),
    model("nomic-embed-text", size=GB // 4, source="ollama", facts=ModelFacts(modalities=("embedding",))),
    model(
        "Llama-3.3-70B", size=42 * GB, source="ollama", facts=ModelFacts(memory_bytes=45 * GB, context_length=131072)
    ),
    model("cut-short", size=GB, source="here", facts=ModelFacts(problem="it ends in the middle of its tensors")),
)


def all_models(theme: str) -> Scene:
    models = Models(*MANY, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        models.pool.loaded.append(HeldModel("gemma-2-2b-it", "/models/gemma-2-2b-it.gguf", "idle", GB))
        await opened(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "parameters" in screen_text(pilot))

    return models, before


def searched(theme: str) -> Scene:
    models = Models(*MANY, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "q25 q4")
        await until(pilot, lambda: "parameters" in screen_text(pilot))

    return models, before


def details(theme: str) -> Scene:
    models = Models(*MANY, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await opened(pilot)
        await pilot.press("ctrl+t", "tab")
        await until(pilot, lambda: "[INST]" in screen_text(pilot))

    return models, before


def fetching(theme: str) -> Scene:
    models = Models(*MANY, model("Yi-34B", size=20 * GB, downloaded=False), theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await opened(pilot)
        for name in ("Phi", "Yi"):
            await search(pilot, name)
            await pilot.press("f5", "escape")
        await until(pilot, lambda: "downloading 25 %" in screen_text(pilot) and len(models.library.downloads.all) == 2)
        await until(pilot, lambda: "parameters" in screen_text(pilot))

    return models, before


def nothing_here(theme: str) -> Scene:
    starter = model("SmolLM2-135M", size=98_000_000, downloaded=False, fetched_from="pypi:smollm2==1", licence="")
    models = Models(ABSENT, starter, entry=None, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await opened(pilot, "SmolLM2")
        await until(pilot, lambda: "parameters" in screen_text(pilot))

    return models, before


def adding(theme: str) -> Scene:
    models = Models(*MANY, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await opened(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, AddModel))

    return models, before


def removing(theme: str) -> Scene:
    models = Models(*MANY, theme=theme)

    async def before(pilot: Pilot[None]) -> None:
        await started(pilot)
        await opened(pilot)
        await search(pilot, "phi")
        await pilot.press("f5")
        await until(pilot, lambda: "downloading" in screen_text(pilot))
        await pilot.press("ctrl+x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Question))

    return models, before


SCENES = (all_models, searched, details, fetching, nothing_here, adding, removing)


@pytest.fixture(autouse=True)
def _same_memory_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mistral_tui.models.memory_fit.free_memory", lambda: 16 * GB)


@pytest.mark.parametrize(("size", "theme"), [("80x24", "mistral-dark"), ("120x36", "mistral-light")])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[str], Scene], size: str, theme: str, snap_compare: Callable[..., bool]
) -> None:
    models, before = scene(theme)
    assert snap_compare(models.app, terminal_size=SIZES[size], run_before=before)
