"""`mistral-tui models pull|add|remove|scan`, as a person calls them."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.cli.main import main
from tests.models.discovery.places import cached_file, model, ollama_model
from tests.stubs.gguf import STRING, GgufFile
from tests.stubs.hub import Hub, running_hub

pytestmark = pytest.mark.core
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(tmp_path / "inventory.json"))
    monkeypatch.setenv("MISTRAL_TUI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("MISTRAL_TUI_MODEL_PATH", str(tmp_path / "shelf"))
    monkeypatch.setenv("MISTRAL_TUI_DISCOVER", "huggingface,ollama")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    (tmp_path / "inventory.json").write_text("[]")

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["models", *arguments])
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        seeing = GgufFile().bytes()
        hub.repositories["owner/Tiny-GGUF"] = {
            "Tiny-Q4_K_M.gguf": seeing,
            "Tiny-Q8_0.gguf": seeing + b"8",
            "mmproj-F16.gguf": projector(),
        }
        yield hub


def projector() -> bytes:
    file = GgufFile()
    file.metadata = {"general.architecture": (STRING, "clip"), "clip.has_vision_encoder": (7, True)}
    return file.bytes()


def overlay() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(
        (Path(os.environ["MISTRAL_TUI_DATA_DIR"]) / "inventory.json").read_text()
    )
    return entries


def listed(run: Run) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in json.loads(run("list", "--json")[1])}


def test_a_repository_is_fetched_in_the_usual_quantization_and_can_be_called_by_name(
    run: Run, hub: Hub, tmp_path: Path
) -> None:
    place = tmp_path / "models" / "owner" / "Tiny-GGUF"
    assert run("pull", "owner/Tiny-GGUF") == (0, f"{place / 'Tiny-Q4_K_M.gguf'}\n", "fetching owner/Tiny-GGUF\n")
    tiny = listed(run)["Tiny-Q4_K_M"]
    assert (tiny["kind"], tiny["modalities"], tiny["state"]) == ("text", ["text", "sees"], "on disk")
    assert tiny["source"] == "hf:owner/Tiny-GGUF/Tiny-Q4_K_M.gguf"
    assert overlay()[0]["mmproj"] == str(place / "mmproj-F16.gguf")
    status, out, _ = run("pull", "hf:owner/Tiny-GGUF:q8_0", "--no-mmproj", "--json")
    assert (status, json.loads(out)["name"]) == (0, "Tiny-Q8_0")


def test_what_was_fetched_is_removed_with_all_that_belongs_to_it(run: Run, hub: Hub, tmp_path: Path) -> None:
    run("pull", "owner/Tiny-GGUF")
    status, out, err = run("remove", "tiny-q4")
    assert (status, out) == (2, "")
    assert "say --yes if it shall" in err
    assert listed(run)
    status, out, _ = run("remove", "tiny-q4", "--yes", "--json")
    assert status == 0
    assert [Path(path).name for path in json.loads(out)["deleted"]] == ["Tiny-Q4_K_M.gguf", "mmproj-F16.gguf"]
    assert not (tmp_path / "models" / "owner").exists()
    assert listed(run) == {}
    assert overlay() == []


def test_a_projector_stays_while_another_model_can_want_it(run: Run, hub: Hub, tmp_path: Path) -> None:
    run("pull", "owner/Tiny-GGUF")
    run("pull", "owner/Tiny-GGUF/Tiny-Q8_0.gguf")
    run("remove", "Tiny-Q4_K_M", "-y")
    names = {path.name for path in (tmp_path / "models" / "owner" / "Tiny-GGUF").glob("*.gguf")}
    assert names == {"Tiny-Q8_0.gguf", "mmproj-F16.gguf"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("pull", "owner/Tiny-GGUF:Q2_K"),
            "owner/Tiny-GGUF has nothing in Q2_K; it has Tiny-Q4_K_M.gguf, Tiny-Q8_0.gguf",
        ),
        (("pull", "owner/Tiny-GGUF:fast"), "'fast' is no quantization; write one such as Q4_K_M"),
        (
            ("pull", "owner/../x"),
            "'owner/../x' names nothing on the hub; write OWNER/NAME, OWNER/NAME:Q4_K_M or OWNER/NAME/FILE",
        ),
        (("pull", "owner/nothing"), "has no repository owner/nothing, or it is private"),
        (("add", "nowhere.gguf"), "there is no model at"),
        (("remove", "nothing"), "no model is named 'nothing'"),
    ],
)
def test_what_goes_wrong_is_one_line(run: Run, hub: Hub, arguments: tuple[str, ...], message: str) -> None:
    status, out, err = run(*arguments)
    assert (status > 0, out) == (True, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_file_anywhere_gets_a_name(run: Run, tmp_path: Path) -> None:
    path = model(tmp_path / "else where" / "my model.gguf")
    assert run("add", str(path)) == (0, "my model\n", "")
    assert run("add", str(path), "--name", "Mine", "--kind", "vision", "--notes", "good", "--json")[0] == 0
    mine = listed(run)["Mine"]
    assert (mine["path"], mine["kind"], mine["notes"]) == (str(path), "vision", "good")
    other = model(tmp_path / "other" / "my model.gguf")
    status, _, err = run("add", str(other))
    assert status == 2
    assert f"'my model' is the name of {path}; give another one with --name" in err
    status, _, err = run("add", str(path), "--kind", "magic")
    assert (status, "is no kind of model" in err) == (2, True)
    assert run("remove", "Mine") == (0, "Mine is off the list; its files stay\n", "")
    assert path.exists()
    assert run("remove", "my model", "--file", "--yes")[0] == 0
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_model_is_not_added(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.gguf").write_bytes(projector())
    (tmp_path / "d.gguf").write_bytes(b"GGUF")
    assert "is a projector (mmproj) and no model" in run("add", str(tmp_path / "p.gguf"))[2]
    assert "ends in the middle of its header" in run("add", str(tmp_path / "d.gguf"))[2]
    os.mkfifo(tmp_path / "f.gguf")
    assert "there is no model at" in run("add", str(tmp_path / "f.gguf"))[2]


def test_other_programs_models_are_never_deleted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached_file(tmp_path / "hub", "owner/repo", "a" * 40, "cached.gguf", GgufFile().bytes())
    ollama_model(tmp_path / "ollama", "registry.ollama.ai/library/llama/1b", {"model": GgufFile().bytes() + b"2"})
    assert "lies in Hugging Face's cache; `hf cache rm` removes it" in run("remove", "cached", "--file", "--yes")[2]
    assert "lies in Ollama's store; `ollama rm`" in run("remove", "llama:1b", "--file", "--yes")[2]
    run("add", str(next((tmp_path / "hub").rglob("cached.gguf"))), "--name", "linked")
    assert "lies in Hugging Face's cache" in run("remove", "linked", "--file", "--yes")[2]
    assert run("remove", "linked") == (0, "linked is off the list; its files stay\n", "")
    assert set(listed(run)) == {"cached", "llama:1b"}
    monkeypatch.setenv("MISTRAL_TUI_DISCOVER", "none")  # nor are those that are not looked for
    monkeypatch.setenv("MISTRAL_TUI_MODEL_PATH", str(tmp_path / "hub"))
    assert "lies in Hugging Face's cache" in run("remove", "cached", "--file", "--yes")[2]


def test_a_folder_that_was_not_fetched_is_never_deleted(run: Run, tmp_path: Path) -> None:
    for place in (tmp_path / "shelf" / "safe", tmp_path / "models" / "owner" / "safe"):
        place.mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "letter to ada.txt"):
            (place / name).write_text("{}")
    mine, fetched = (entry for entry in listed(run).values())
    assert "may hold more than safe; look into it, and delete it" in run("remove", mine["path"], "--file", "--yes")[2]
    assert (tmp_path / "shelf" / "safe" / "letter to ada.txt").exists()
    model(tmp_path / "models" / "owner" / "safe" / "other.gguf")
    assert "may hold more than" in run("remove", fetched["path"], "--yes")[2]
    (tmp_path / "models" / "owner" / "safe" / "other.gguf").unlink()
    assert run("remove", fetched["path"], "--yes")[0] == 0
    assert not (tmp_path / "models" / "owner").exists()


def test_a_model_in_a_folder_is_deleted_only_if_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    path = model(tmp_path / "shelf" / "book.gguf")
    assert "is in no inventory but lies at" in run("remove", "book", "--yes")[2]
    assert path.exists()
    assert run("remove", "book", "--yes", "--file") == (0, f"deleted {path}\n", "")
    assert not path.exists()


def test_a_person_is_asked_before_a_file_is_deleted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    path = model(tmp_path / "shelf" / "book.gguf")
    for answer, status in (("n\n", 130), ("y\n", 0)):
        control, terminal = pty.openpty()
        with os.fdopen(terminal, "r", encoding="utf-8") as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            os.write(control, answer.encode())
            assert run("remove", "book", "--file")[0] == status
        os.close(control)
        assert path.exists() == (status != 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_scan_says_what_was_found_where_and_what_was_passed_over(run: Run, tmp_path: Path) -> None:
    model(tmp_path / "shelf" / "book.gguf")
    (tmp_path / "shelf" / "mmproj-book.gguf").write_bytes(projector())
    os.mkfifo(tmp_path / "shelf" / "pipe\x1b[2J.gguf")
    status, out, err = run("scan")
    assert (status, err) == (0, "")
    assert f"folder: 1 model ({tmp_path / 'shelf'}, {tmp_path / 'models'})" in out
    assert "pipe.gguf: it is not a file but a device or a pipe" in out
    assert "\x1b" not in out
    sources = {source["source"]: source for source in json.loads(run("scan", "--json")[1])["sources"]}
    assert sources["folder"]["found"] == 1
    assert len(sources["folder"]["skipped"]) == 2


def test_two_pulls_at_once_fetch_once(run: Run, hub: Hub) -> None:
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda: done.append(main(["models", "pull", "owner/Tiny-GGUF"]))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [0, 0]
    assert len([asked for asked in hub.content_requests() if asked.server == "content"]) <= 2
    assert [entry["name"] for entry in overlay()] == ["Tiny-Q4_K_M"]
