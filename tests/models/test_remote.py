"""Models of endpoints among the others: found by name and by address, without asking anybody."""

from pathlib import Path

import pytest

from mistral_tui.models.catalog import Catalog
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.remote import listed_remote, remote_entries
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import InvalidRequest, ModelNotFound
from mistral_tui.types.models import ModelEntry

pytestmark = pytest.mark.core

LAB = Endpoint("lab", "http://lab.example", ("small", "org/large"))
HERE = Endpoint("here", "http://127.0.0.1:8080")
LOCAL = ModelEntry("lab/local", Path("/models/x.gguf"), "gguf", 1, downloaded=True)
INVENTORY = Inventory((LOCAL,)).with_endpoints((LAB, HERE))


def found(wanted: str) -> tuple[str, str, str]:
    entry = INVENTORY.find(wanted)
    assert entry.remote is not None
    assert (entry.format, entry.downloaded) == ("remote", True)
    return entry.name, entry.remote.endpoint.base, entry.remote.name


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("lab/small", ("lab/small", "http://lab.example/v1", "small")),
        ("lab/org/large", ("lab/org/large", "http://lab.example/v1", "org/large")),
        ("lab/unlisted", ("lab/unlisted", "http://lab.example/v1", "unlisted")),
        ("here", ("here", "http://127.0.0.1:8080/v1", "")),
        ("here/qwen:7b", ("here/qwen:7b", "http://127.0.0.1:8080/v1", "qwen:7b")),
        ("http://127.0.0.1:8080/v1#qwen", ("here/qwen", "http://127.0.0.1:8080/v1", "qwen")),
        ("http://other:1#m", ("other:1/m", "http://other:1/v1", "m")),
        ("https://[::1]:1", ("::1:1", "https://[::1]:1/v1", "")),
    ],
)
def test_a_remote_model_is_found_by_name_and_by_address(wanted: str, expected: tuple[str, str, str]) -> None:
    assert found(wanted) == expected


def test_a_name_of_the_inventory_counts_first() -> None:
    assert INVENTORY.find("lab/local") is LOCAL


def test_a_name_of_neither_is_not_found() -> None:
    with pytest.raises(ModelNotFound):
        INVENTORY.find("nowhere/m")
    with pytest.raises(InvalidRequest, match="url is"):
        INVENTORY.find("http://")


def test_the_key_of_an_address_comes_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_TUI_API_KEY", "sk-secret")
    remote = INVENTORY.find("http://other").remote
    assert remote is not None
    assert remote.endpoint.api_key_env == "MISTRAL_TUI_API_KEY"
    assert "sk-secret" not in repr(remote)


def test_the_catalogue_lists_them_behind_the_others(tmp_path: Path) -> None:
    listing = Catalog(lambda: INVENTORY, (), tmp_path).scan()
    remote = [entry for entry in listing.entries if entry.source == "remote"]
    assert [entry.name for entry in remote] == ["lab/small", "lab/org/large", "here"]
    assert remote[0].origin == "http://lab.example/v1"
    assert remote[0].availability() == "remote"
    assert listing.entries[-3:] == tuple(remote)
    assert listing.reports[-1].found == 3


def test_what_the_endpoints_said_counts_from_then_on(tmp_path: Path) -> None:
    catalog = Catalog(lambda: INVENTORY, (), tmp_path)
    assert catalog.endpoints == (LAB, HERE)
    catalog.remote = tuple(listed_remote(entry) for entry in remote_entries((LAB,)))
    assert [entry.name for entry in catalog.scan().entries if entry.source == "remote"] == [
        "lab/small",
        "lab/org/large",
    ]
