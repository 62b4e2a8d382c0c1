"""The inventory: which file is read, what its entries become, and what is said about broken ones."""

import codecs
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_tui.config.resources import data_file
from mistral_tui.models.inventory import Inventory
from mistral_tui.types.errors import ConfigError, ModelNotFound

pytestmark = pytest.mark.core


class Home:
    """An inventory, an overlay and a models folder in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "inventory" / "MODEL_INVENTORY.json"
        self.overlay = folder / "data" / "inventory.json"
        self.models = folder / "models"
        for path in (self.file.parent, self.overlay.parent, self.models):
            path.mkdir()

    def load(self, *entries: dict[str, Any], overlay: list[dict[str, Any]] | None = None) -> Inventory:
        self.file.write_text(json.dumps(entries), "utf-8")
        if overlay is not None:
            self.overlay.write_text(json.dumps(overlay), "utf-8")
        return self.read()

    def read(self, *, strict: bool = True) -> Inventory:
        return Inventory.load(self.file, self.overlay, self.models, strict=strict)

    def put(self, path: str, size: int = 10) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        return file


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def entry(name: str, path: str = "m.gguf", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, "format": "gguf", "size_gb": 1.5, "notes": "", **more}


def test_the_shipped_inventory_offers_the_starter_and_five_more() -> None:
    inventory = Inventory.load(data_file("MODEL_INVENTORY.json"), Path("none.json"))
    assert inventory.notices == ()
    assert [entry.name for entry in inventory.entries] == [
        "SmolLM2-135M-Instruct-Q4_1",
        "Qwen2.5-1.5B-Instruct-Q4_K_M",
        "gemma-2-2b-it-Q4_K_M",
        "Qwen2.5-Coder-3B-Instruct-Q4_K_M",
        "Qwen2.5-7B-Instruct-Q4_K_M",
        "gemma-3-4b-it",
    ]
    assert inventory.starter is inventory.entries[0]
    assert all((entry.source or "").startswith("hf:") for entry in inventory.entries[1:])


def test_an_entry_is_at_its_path_else_in_the_models_folder(home: Home) -> None:
    beside = home.put("inventory/sub/a.gguf", 11)
    fetched = home.put("models/b.gguf", 22)
    inventory = home.load(
        entry("a", "sub/a.gguf"),
        entry("b", "sub/b.gguf"),
        entry("c", "sub/c.gguf"),
        entry("d", "sub/d.gguf", source="hf:x/y/d.gguf"),
    )
    a, b, c, d = inventory.entries
    assert (a.path, a.size_bytes, a.downloaded) == (beside, 11, True)
    assert (b.path, b.size_bytes, b.downloaded) == (fetched, 22, True)
    assert (c.path, c.size_bytes, c.downloaded) == (home.file.parent / "sub" / "c.gguf", 1_500_000_000, False)
    assert (d.path, d.downloaded) == (home.models / "d.gguf", False)


@pytest.mark.parametrize("path", ["C:\\Users\\ann\\m.gguf", "\\\\server\\share\\m.gguf", "/nowhere/ann/m.gguf"])
def test_a_path_of_another_machine_shows_as_not_downloaded(home: Home, path: str) -> None:
    found = home.load(entry("a", path)).entries[0]
    assert not found.downloaded
    assert found.path.name == "m.gguf"
    fetched = home.put("models/m.gguf")
    assert home.read().entries[0].path == fetched


def test_backslashes_separate_folders_everywhere(home: Home) -> None:
    beside = home.put("inventory/sub/a.gguf")
    assert home.load(entry("a", ".\\sub\\a.gguf")).entries[0].path == beside


def test_a_folder_of_safetensors_counts_its_weights(home: Home) -> None:
    home.put("models/big/model-1.safetensors", 30)
    home.put("models/big/model-2.safetensors", 40)
    home.put("models/big/README.md", 1000)
    (home.models / "empty").mkdir()
    big, empty = home.load(entry("big", "big", format="safetensors"), entry("empty", "empty")).entries
    assert (big.size_bytes, big.downloaded) == (70, True)
    assert not empty.downloaded


def test_a_split_model_is_there_when_all_parts_are(home: Home) -> None:
    home.put("models/m-00001-of-00002.gguf", 5)
    assert not home.load(entry("m", "m-00001-of-00002.gguf")).entries[0].downloaded
    home.put("models/m-00002-of-00002.gguf", 6)
    assert home.read().entries[0].size_bytes == 11


def test_the_smallest_is_by_size_on_disk_and_can_be_run(home: Home) -> None:
    home.put("models/a.gguf", 300)
    home.put("models/b.gguf", 200)
    home.put("models/v.gguf", 10)
    home.put("models/s/x.safetensors", 10)
    inventory = home.load(
        entry("a", "a.gguf", size_gb=0.1),
        entry("b", "b.gguf", size_gb=9),
        entry("gone", "gone.gguf", size_gb=0.01),
        entry("v", "v.gguf", kind="embedding"),
        entry("s", "s", format="safetensors"),
    )
    smallest = inventory.smallest_on_disk()
    assert smallest is not None
    assert smallest.name == "b"
    assert home.load(entry("gone")).smallest_on_disk() is None


def test_the_overlay_replaces_key_by_key_and_adds(home: Home) -> None:
    inventory = home.load(
        entry("a", "a.gguf", notes="old", source="hf:x/y/a.gguf"),
        entry("b"),
        overlay=[{"name": "a", "notes": "new", "colour": "red"}, entry("own", "sub/own.gguf")],
    )
    a, _, own = inventory.entries
    assert (a.notes, a.source, a.extra) == ("new", "hf:x/y/a.gguf", {"colour": "red"})
    assert own.path == home.overlay.parent / "sub" / "own.gguf"


def test_optional_keys_are_kept(home: Home) -> None:
    found = home.load(
        entry("a", sha256="0" * 64, mmproj="mm.gguf", chat_template="chatml", adapters=["l.gguf"], kind="vision")
    ).entries[0]
    folder = home.file.parent
    assert (found.sha256, found.kind, found.chat_template) == ("0" * 64, "vision", "chatml")
    assert (found.mmproj, found.adapters) == (folder / "mm.gguf", (folder / "l.gguf",))


def test_a_chat_template_may_be_a_file_beside_the_inventory(home: Home) -> None:
    file = home.file.parent / "mine.jinja"
    file.touch()
    found = home.load(entry("a", chat_template="mine.jinja")).entries[0]
    assert found.chat_template == str(file)


def test_names_are_harmless_for_a_terminal(home: Home) -> None:
    path = home.put("a\n\x1b[31mb.gguf", 77)
    inventory = home.load(entry("x\n\x1b[31my"), entry("\x1b[31m"))
    assert [found.name for found in inventory.entries] == ["x y"]
    assert inventory.find("x y").name == "x y"
    assert inventory.find(str(path)).name == "a b"


def test_models_are_found_by_name_prefix_and_path(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.put("elsewhere/Some Model.gguf", 77)
    inventory = home.load(entry("Qwen-7B"), entry("Qwen-7B-Chat"), entry("gemma"))
    assert inventory.find("gemma").name == "gemma"
    assert inventory.find(" GEM ").name == "gemma"
    assert inventory.find("qwen-7b").name == "Qwen-7B"
    assert inventory.find("qwen-7b-").name == "Qwen-7B-Chat"
    direct = inventory.find(str(path))
    assert (direct.name, direct.path, direct.size_bytes, direct.downloaded) == ("Some Model", path, 77, True)
    monkeypatch.chdir(path.parent)
    assert inventory.find("Some Model.gguf").path == path


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("qwen", "'qwen' could be Qwen-7B, Qwen-7B-Chat; write more of the name"),
        ("nope", "no model is named 'nope'; there are Qwen-7B, Qwen-7B-Chat"),
        ("", "no model is named ''"),
        ("nope.gguf", "no such model file: nope.gguf"),
        ("a/nope", "no such model file: a/nope"),
        ("a\0b", "no model is named 'ab'"),
        ("\x1b[2Jx", "no model is named 'x'"),
        ("x" * 5000, "no model is named"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_not_there_is_said_with_what_is(home: Home, wanted: str, message: str) -> None:
    inventory = home.load(entry("Qwen-7B"), entry("Qwen-7B-Chat"))
    with pytest.raises(ModelNotFound) as caught:
        inventory.find(wanted)
    assert message in str(caught.value)


def test_an_empty_folder_is_no_model(home: Home) -> None:
    with pytest.raises(ModelNotFound, match=r"name the \.gguf file"):
        home.load().find(str(home.models))


def test_a_folder_with_a_gguf_file_is_told_from_a_model_of_several_files(home: Home) -> None:
    (home.folder / "folder").mkdir()
    (home.folder / "folder" / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelNotFound, match=r"is a folder; name the file in it, such as .*m\.gguf"):
        home.load().find(str(home.folder / "folder"))


def test_the_file_is_looked_up_in_order(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(path: Path | None = None) -> list[str]:
        return [entry.name for entry in Inventory.load(path, home.overlay, home.models).entries]

    for name in ("explicit", "environment", "here"):
        (home.folder / name).mkdir()
        (home.folder / name / "MODEL_INVENTORY.json").write_text(json.dumps([entry(name)]), "utf-8")
    monkeypatch.delenv("MISTRAL_TUI_INVENTORY")
    monkeypatch.chdir(home.folder)
    assert names()[0] == "SmolLM2-135M-Instruct-Q4_1"
    monkeypatch.chdir(home.folder / "here")
    assert names() == ["here"]
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(home.folder / "environment" / "MODEL_INVENTORY.json"))
    assert names() == ["environment"]
    assert names(home.folder / "explicit" / "MODEL_INVENTORY.json") == ["explicit"]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_byte_order_marks_are_accepted(home: Home, mark: bytes) -> None:
    encoding = {b"": "utf-8", codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}.get(mark, "utf-16-be")
    home.file.write_bytes(mark + json.dumps([entry("ä")], ensure_ascii=False).encode(encoding))
    assert home.read().entries[0].name == "ä"


BROKEN = [
    ("", "line 1: not a valid inventory: expected ["),
    ("{}", "line 1: not a valid inventory: expected ["),
    ('[\n {"name": "a",\n "path": }]', "line 3: not a valid inventory: expecting value"),
    ('[{"name": "a", "path": "b"}\n', "line 2: not a valid inventory: expected , or ]"),
    ("[{}] x", "line 1: not a valid inventory: text after the closing ]"),
    ("[{},\n]", "line 2: not a valid inventory: expecting value"),
    ("[" * 100_000, "nested too deeply"),
    ("[" + "1" * 100_000 + "]", "too long"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_an_error_or_a_notice_and_stays_as_it_is(home: Home, text: str, message: str) -> None:
    home.file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        home.read()
    assert str(caught.value).startswith(f"{home.file}")
    assert message in str(caught.value)
    inventory = home.read(strict=False)
    assert inventory.entries[0].name == "SmolLM2-135M-Instruct-Q4_1"
    assert len(inventory.notices) == 1
    assert home.file.read_text("utf-8") == text


def test_a_file_that_is_missing_or_no_text_is_named(home: Home) -> None:
    with pytest.raises(ConfigError, match="there is no such"):
        home.read()
    home.file.write_bytes(b"[\n\xff\xff]")
    with pytest.raises(ConfigError, match="line 2: not valid UTF-8"):
        home.read()


def test_a_broken_overlay_costs_only_itself(home: Home) -> None:
    home.overlay.write_text("{", "utf-8")
    home.file.write_text(json.dumps([entry("a")]), "utf-8")
    with pytest.raises(ConfigError, match=r"inventory\.json"):
        home.read()
    inventory = home.read(strict=False)
    assert [found.name for found in inventory.entries] == ["a"]
    assert "it was ignored" in inventory.notices[0]


BAD_ENTRIES = [
    ('{"path": "x"}', 3, "an entry needs a name"),
    ('{"name": 7, "path": "x"}', 3, "name of an entry must be text"),
    ('{"name": "x",\n "path": 7}', 4, "path of 'x' must be text"),
    ('{"name": "x", "path": ""}', 3, "path of 'x' is empty"),
    ('{"name": "x", "path": "x", "format": "onnx"}', 3, "format of 'x' is 'onnx'; it must be gguf or safetensors"),
    ('{"name": "x", "path": "x", "size_gb": "1"}', 3, "size_gb of 'x' must be a number"),
    ('{"name": "x", "path": "x", "size_gb": true}', 3, "size_gb of 'x' must be a number"),
    ('{"name": "x", "path": "x", "size_gb": NaN}', 3, "not a sensible size"),
    ('{"name": "x", "path": "x",\n\n "adapters": [1]}', 5, "adapters of 'x' must be a list of paths"),
    ('{"name": "x"}', 3, "'x' has no path"),
    ("7", 3, "expected an object"),
    ('{"name": "good", "path": "y"}', 3, "a second 'good'"),
]


@pytest.mark.parametrize(("text", "line", "reason"), BAD_ENTRIES)
def test_a_bad_entry_is_left_out_with_file_line_and_reason(home: Home, text: str, line: int, reason: str) -> None:
    home.file.write_text('[\n{"name": "good", "path": "x"},\n' + text + "\n]", "utf-8")
    inventory = home.read()
    assert [entry.name for entry in inventory.entries] == ["good"]
    assert len(inventory.notices) == 1
    assert inventory.notices[0].startswith(f"{home.file}, line {line}: ")
    assert reason in inventory.notices[0]
    assert inventory.notices[0].endswith("the entry is left out")


def test_names_with_escape_sequences_do_not_reach_messages(home: Home) -> None:
    inventory = home.load(entry("\x1b[2Jbad", format="\x1b[2J"), entry("\x1b[31mred"))
    assert "\x1b" not in "".join(inventory.notices)
    with pytest.raises(ModelNotFound) as caught:
        inventory.find("x")
    assert "\x1b" not in str(caught.value)


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"[{text}]".encode())))
def test_any_bytes_are_an_inventory_or_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.json"
    file.write_bytes(content)
    try:
        Inventory.load(file, Path("none.json"), Path("none"))
    except ConfigError as error:
        assert "\n" not in str(error)
