"""The catalogue: everything that can be run, once, by name."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.models import facts_cache
from mistral_tui.models.catalog import Catalog
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.sources import model_sources
from mistral_tui.types.catalog import CatalogEntry, Listing
from mistral_tui.types.errors import ModelNotFound
from tests.models.discovery.places import cached_file, model, ollama_model
from tests.stubs.gguf import STRING, U32, GgufFile

pytestmark = pytest.mark.core


class Machine:
    """A home with models in it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.models = folder / "downloads"
        self.shelf = folder / "shelf"
        self.here = folder / "here"
        self.cache = folder / "cache"
        self.inventory = folder / "inventory.json"
        self.settings: dict[str, Any] = {"folders": [str(self.shelf)], "wanted": None}
        for place in (self.home, self.shelf, self.here):
            place.mkdir()
        self.inventory.write_text("[]")

    @property
    def ollama(self) -> Path:
        return self.home / ".ollama" / "models"

    @property
    def hub(self) -> Path:
        return self.home / ".cache" / "huggingface" / "hub"

    @property
    def lm_studio(self) -> Path:
        return self.home / ".lmstudio" / "models"

    def catalog(self) -> Catalog:
        return Catalog(
            lambda: Inventory.load(self.inventory, self.home / "none.json", self.models),
            model_sources(self.models, **self.settings),
            self.cache,
        )

    def scan(self) -> Listing:
        return self.catalog().scan()

    def entry(self, name: str) -> CatalogEntry:
        return next(entry for entry in self.scan().entries if entry.name == name)

    def names(self) -> list[str]:
        return [entry.name for entry in self.scan().entries]

    def reasons(self) -> dict[str, str]:
        return {skip.path.name: skip.reason for report in self.scan().reports for skip in report.skipped}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.chdir(machine.here)
    return machine


def test_models_of_every_place_are_offered(machine: Machine) -> None:
    model(machine.shelf / "deep" / "shelved-Q4_0.gguf")
    model(machine.models / "fetched.gguf", general__name="Fetched")
    cached_file(machine.hub, "owner/repo", "a" * 40, "cached-Q8_0.gguf", GgufFile().bytes() + b"1")
    model(machine.lm_studio / "publisher" / "repo" / "studio.gguf")
    ollama_model(machine.ollama, "registry.ollama.ai/library/llama3.2/1b", {"model": GgufFile().bytes() + b"2"})
    model(machine.here / "local.gguf")
    listing = machine.scan()
    assert [(entry.name, entry.source, entry.availability()) for entry in listing.entries] == [
        ("shelved-Q4_0", "folder", "on disk"),
        ("fetched", "folder", "on disk"),
        ("cached-Q8_0", "hugging face", "on disk"),
        ("studio", "lm studio", "on disk"),
        ("llama3.2:1b", "ollama", "on disk"),
        ("local", "here", "on disk"),
    ]
    fetched = listing.entries[1]
    assert fetched.facts is not None
    assert (fetched.facts.title, fetched.facts.context_length, fetched.licence) == ("Fetched", 4096, "mit")
    assert fetched.quantization == "Q4_K_M"
    assert fetched.fits(fetched.memory_bytes)
    assert not fetched.fits(fetched.memory_bytes - 1)
    assert listing.entries[2].origin == "owner/repo"


def test_a_file_is_listed_once_however_it_is_linked(machine: Machine) -> None:
    path = model(machine.shelf / "one.gguf")
    (machine.here / "link.gguf").symlink_to(path)
    os.link(path, machine.models.parent / "hard.gguf")
    (machine.shelf / "again").symlink_to(machine.shelf)
    machine.inventory.write_text(json.dumps([{"name": "mine", "path": str(machine.models.parent / "hard.gguf")}]))
    assert machine.names() == ["mine"]
    assert machine.reasons()["one.gguf"] == "the same file as mine"


def test_the_parts_of_a_split_model_are_one(machine: Machine) -> None:
    for number in (1, 2):
        file = GgufFile()
        file.metadata |= {"split.count": (U32, 2), "split.no": (U32, number - 1)}
        file.write(machine.shelf / f"big-Q4_K_M-{number:05}-of-00002.gguf")
    model(machine.shelf / "half-00001-of-00002.gguf")
    model(machine.shelf / "tail-00002-of-00002.gguf")
    (entry,) = machine.scan().entries
    assert entry.name == "big-Q4_K_M"
    assert entry.entry.size_bytes == sum(path.stat().st_size for path in machine.shelf.glob("big-*"))
    assert machine.reasons()["half-00001-of-00002.gguf"] == "parts of this model are not there"
    assert "tail-00001-of-00002.gguf, is not there" in machine.reasons()["tail-00002-of-00002.gguf"]


def test_projectors_and_adapters_are_no_models(machine: Machine) -> None:
    model(machine.shelf / "seeing.gguf")
    projector = GgufFile()
    projector.metadata = {
        "general.architecture": (STRING, "clip"),
        "clip.has_vision_encoder": (7, True),
        "clip.has_audio_encoder": (7, False),
    }
    projector.write(machine.shelf / "mmproj-seeing.gguf")
    projector.write(machine.shelf / "deep.gguf")
    model(machine.shelf / "lora.gguf", general__type="adapter")
    (entry,) = machine.scan().entries
    assert (entry.name, entry.modalities) == ("seeing", ("text", "sees"))
    assert entry.entry.mmproj == machine.shelf / "mmproj-seeing.gguf"
    assert machine.reasons()["lora.gguf"] == "it is no model but a LoRA"
    assert machine.reasons()["deep.gguf"] == "it is no model but a projector"


def test_damaged_and_lying_files_are_listed_with_what_is_wrong(machine: Machine) -> None:
    (machine.shelf / "empty.gguf").touch()
    (machine.shelf / "page.gguf").write_text("<html>")
    GgufFile(tensor_count=2**40).write(machine.shelf / "liar.gguf")
    listing = machine.scan()
    problems = {entry.name: entry.problem or "" for entry in listing.entries}
    assert "not a GGUF file" in problems["empty"]
    assert "a web page" in problems["page"]
    assert "more than any model has" in problems["liar"]
    assert {entry.availability() for entry in listing.entries} == {"damaged"}


def test_one_name_belongs_to_one_model_and_the_longer_name_always_works(machine: Machine) -> None:
    first, second = model(machine.shelf / "a" / "twin.gguf"), model(machine.shelf / "b" / "twin.gguf")
    third = model(machine.here / "TWIN.gguf")
    catalog = machine.catalog()
    assert [entry.name for entry in catalog.scan().entries] == ["twin", "b/twin", "here/TWIN"]
    assert catalog.find("twin").path == first
    assert catalog.find("a/twin").path == first
    assert catalog.find("B/TWIN").path == second
    assert catalog.find("HERE/twin").path == third


def test_files_of_one_name_from_two_repositories_are_told_apart_by_these(machine: Machine) -> None:
    for number, repository in enumerate(("one/repo", "two/repo")):
        cached_file(machine.hub, repository, str(number) * 40, "twin.gguf", GgufFile().bytes() + bytes([number]))
    assert machine.names() == ["twin", "two/repo/twin"]
    assert machine.catalog().find("one/repo/twin").name == "twin"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("alpha-one", "alpha-one"), ("ALPHA-ONE", "alpha-one"), ("alpha-t", "alpha-two"), ("beta", "beta")],
)
def test_a_model_is_found_by_what_is_clear(machine: Machine, wanted: str, found: str) -> None:
    machine.inventory.write_text(json.dumps([{"name": "beta", "path": "beta.gguf"}]))
    for name in ("alpha-one", "alpha-two", "beta-two"):
        model(machine.shelf / f"{name}.gguf")
    assert machine.catalog().find(wanted).name == found


def test_of_several_models_the_one_that_is_here_is_meant(machine: Machine) -> None:
    machine.inventory.write_text(json.dumps([{"name": f"alpha-{size}", "path": f"{size}.gguf"} for size in (1, 2)]))
    path = model(machine.shelf / "alpha-here.gguf")
    assert machine.catalog().find("alpha").path == path


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("alpha", "'alpha' could be alpha-one, alpha-two; write more of the name"),
        ("gamma", "no model is named 'gamma'; there are alpha-one, alpha-two"),
        ("gone.gguf", "no such model file: gone.gguf"),
        ("\x1b[2J", "no model is named ''"),
        ("", "no model is named ''"),
    ],
)
def test_what_is_not_clear_lists_what_could_be_meant(machine: Machine, wanted: str, message: str) -> None:
    for name in ("alpha-one", "alpha-two"):
        model(machine.shelf / f"{name}.gguf")
    with pytest.raises(ModelNotFound, match=message.replace("(", r"\(")):
        machine.catalog().find(wanted)


def test_what_the_inventory_misses_is_taken_from_where_it_lies(machine: Machine) -> None:
    machine.inventory.write_text(
        json.dumps(
            [{"name": "mine", "path": ".models/m-Q4_0.gguf", "source": "hf:owner/repo/m-Q4_0.gguf", "notes": "n"}]
        )
    )
    link = cached_file(machine.hub, "owner/repo", "b" * 40, "m-Q4_0.gguf", GgufFile().bytes())
    (entry,) = machine.scan().entries
    assert (entry.name, entry.entry.path, entry.entry.notes) == ("mine", link, "n")
    assert entry.availability() == "on disk"
    assert machine.catalog().find("mine").downloaded


def test_headers_are_read_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model(machine.shelf / "one.gguf")
    assert machine.catalog().scan(read=False).entries[0].facts is None
    first = machine.scan()
    monkeypatch.setattr(facts_cache, "read_facts", lambda *_: pytest.fail("it was read again"))
    assert machine.catalog().scan().entries == first.entries
    assert machine.catalog().scan(read=False).entries == first.entries
    path.write_bytes(b"changed")
    assert machine.catalog().scan(read=False).entries[0].facts is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1, "known": {"a": 3}}', b"\xff" * 100])
def test_a_damaged_cache_costs_nothing_but_time(machine: Machine, content: bytes) -> None:
    model(machine.shelf / "one.gguf")
    machine.cache.mkdir()
    (machine.cache / "models.json").write_bytes(content)
    assert machine.scan().entries[0].facts is not None


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(machine: Machine) -> None:
    model(machine.shelf / "one.gguf")
    machine.cache.write_text("a file in the way")
    assert machine.scan().entries[0].facts is not None


def test_changes_are_noticed(machine: Machine) -> None:
    model(machine.shelf / "deep" / "one.gguf")
    catalog = machine.catalog()
    listing = catalog.scan()
    assert not catalog.changed(listing)
    model(machine.shelf / "deep" / "two.gguf")
    assert catalog.changed(listing)
    listing = catalog.scan()
    assert len(listing.entries) == 2
    model(machine.lm_studio / "p" / "r" / "three.gguf")
    assert catalog.changed(listing)


def test_only_what_is_wanted_is_looked_into(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    model(machine.here / "local.gguf")
    model(machine.lm_studio / "p" / "r" / "studio.gguf")
    machine.settings["wanted"] = ("here",)
    assert machine.names() == ["local"]
    machine.settings["wanted"] = ("lmstudio",)
    assert machine.names() == ["studio"]
    extra = machine.home / "extra"
    model(extra / "named.gguf")
    machine.settings["wanted"] = ("none",)
    monkeypatch.setenv("MISTRAL_TUI_MODEL_PATH", f"{extra}{os.pathsep}/nowhere")
    assert machine.names() == ["named"]
