"""Fetching from the hub by name in the list of models: the real client, against a server that speaks its protocol."""

from collections.abc import Iterator
from functools import partial

import pytest
from textual.pilot import Pilot

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.models.adding import OwnInventory
from mistral_tui.models.catalog import Catalog
from mistral_tui.models.inventory import Inventory
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.models.picker import ModelPicker
from mistral_tui.tui.models.questions import Question
from tests.stubs.engines import FakeEngine, Reply
from tests.stubs.gguf import GgufFile
from tests.stubs.hub import Hub, running_hub
from tests.tui.harness import paste_and_send, paste_into, screen_rows, until
from tests.tui.picker_app import NamingPool, marked, screen_text

pytestmark = pytest.mark.core
SMALL = GgufFile(tensors=[("token_embd.weight", (64, 4_000), 0)]).bytes()
BIG = GgufFile(tensors=[("token_embd.weight", (64, 40_000), 0)]).bytes()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.repositories["owner/tiny-GGUF"] = {"tiny-Q2_K.gguf": SMALL, "tiny-Q4_K_M.gguf": BIG, "README.md": b"hello"}
        yield hub


class Program:
    """An app whose models are those of an inventory on disk, and of the hub."""

    def __init__(self) -> None:
        self.paths = paths = Paths.resolve()
        inventory = partial(Inventory.load, None, paths.inventory_overlay, paths.models, strict=False)
        own = partial(OwnInventory, paths.inventory_overlay, paths.models, inventory)
        catalog = Catalog(inventory, (), paths.cache)
        pool = NamingPool(FakeEngine([Reply()]))
        self.workspace = Workspace(pool, None, None, catalog=lambda: catalog)
        self.library = ModelLibrary(self.workspace, own().fetch, paths, own)
        self.app = MistralApp(self.workspace, library=self.library)

    async def look_for(self, pilot: Pilot[None], name: str) -> None:
        """Open the list, and name something there."""
        if not isinstance(pilot.app.screen, ModelPicker):
            await pilot.press("alt+l")
            await until(pilot, lambda: isinstance(pilot.app.screen, ModelPicker) and "name" in screen_text(pilot))
        await paste_into(pilot, name)
        await until(pilot, lambda: "enter looks for it on Hugging Face" in screen_text(pilot))
        await pilot.press("enter")


def asked(pilot: Pilot[None]) -> bool:
    return isinstance(pilot.app.screen, Question)


async def test_a_repository_is_looked_through_and_one_of_its_files_fetched_paused_and_gone_on_with(hub: Hub) -> None:
    program = Program()
    hub.stall_after = len(BIG) // 2
    async with program.app.run_test(size=(80, 24)) as pilot:
        await program.look_for(pilot, "https://huggingface.co/owner/tiny-GGUF/tree/main")
        await until(pilot, lambda: asked(pilot) and "Q4_K_M" in screen_text(pilot))
        text = screen_text(pilot)
        assert "fetch owner/tiny-GGUF" in text
        assert text.index("Q2_K") < text.index("Q4_K_M"), "the smallest first"
        assert text.count("fits") == 2
        await pilot.press("enter")
        await until(pilot, lambda: marked(pilot) == "tiny-Q4_K_M" and hub.stalled.is_set())
        await until(pilot, lambda: "downloading" in screen_text(pilot))
        await pilot.press("f5")
        await until(pilot, lambda: "paused at" in screen_text(pilot))
        hub.stall_after = None
        hub.go_on.set()
        await pilot.press("f5")
        await until(pilot, lambda: "on disk" in "".join(r for r in screen_rows(pilot.app.screen) if "tiny" in r))
        assert (program.paths.models / "owner" / "tiny-GGUF" / "tiny-Q4_K_M.gguf").read_bytes() == BIG
        assert hub.content_requests()[-1].range is not None, "it went on"
        await pilot.press("enter")
        await until(pilot, lambda: program.workspace.entry is not None)
        assert program.workspace.entry is not None
        assert program.workspace.entry.name == "tiny-Q4_K_M"


async def test_what_was_left_unfinished_is_on_the_list_of_the_next_run_until_it_is_taken_off(hub: Hub) -> None:
    hub.stall_after = len(BIG) // 2
    program = Program()
    async with program.app.run_test(size=(80, 24)) as pilot:
        await paste_and_send(pilot, "/model owner/tiny-GGUF:Q4_K_M")
        await until(pilot, lambda: "enter looks for it on Hugging Face" in screen_text(pilot))
        await pilot.press("enter")  # nothing is left to ask
        await until(pilot, lambda: marked(pilot) == "tiny-Q4_K_M" and hub.stalled.is_set())
    folder = program.paths.models / "owner" / "tiny-GGUF"
    assert len(list(folder.glob("*.part"))) == 1
    async with Program().app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+l")
        await until(pilot, lambda: "tiny-Q4_K_M" in screen_text(pilot))
        await paste_into(pilot, "tiny")
        await pilot.press("ctrl+x")
        await until(pilot, lambda: "throw away what is here of it" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "tiny-Q4_K_M is off the list" in screen_text(pilot))
        await until(pilot, lambda: "Nothing is like" in screen_text(pilot))
    assert not list(folder.glob("*.part"))


async def test_what_cannot_be_fetched_says_why_in_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repositories["owner/whole"] = {"model.safetensors": SMALL, "config.json": b"{}"}
    hub.repositories["owner/gated"] = {"gated-Q4_K_M.gguf": SMALL}
    hub.gated.add("owner/gated")
    hub.token = "hf_secret"
    program = Program()
    async with program.app.run_test(size=(120, 36)) as pilot:
        for name, said in (
            ("owner/missing", "has no repository owner/missing, or it is private; check the name, or log in with"),
            ("owner/whole", "owner/whole has no GGUF files, and only those run here"),
            ("owner/tiny-GGUF:Q8_0", "has nothing in Q8_0; it has tiny-Q2_K.gguf, tiny-Q4_K_M.gguf"),
            ("owner/gated:Q4_K_M", "owner/gated is gated: ask for access at"),
        ):
            await program.look_for(pilot, name)
            await until(pilot, partial(lambda words: words in screen_text(pilot), said), said)
            assert "hf_secret" not in screen_text(pilot)
            await pilot.press("escape")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        await program.look_for(pilot, "owner/other")
        await until(pilot, lambda: "HF_HUB_OFFLINE is set; unset it to use the network" in screen_text(pilot))
