"""`mistral-tui doctor`: what is sound, what is not, and what to do."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from mistral_tui.cli import health
from mistral_tui.cli.health import Finding, database, folders, llama_cpp, models, probe, rpc_workers, settings
from mistral_tui.cli.main import main
from mistral_tui.config.paths import Paths
from mistral_tui.store.migrations import MIGRATIONS
from tests.stubs.rpc import closed_port, rpc_worker

pytestmark = pytest.mark.core


def doctor_as_json(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Finding]]:
    status = main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["schema_version"] == 1
    assert report["healthy"] == (status == 0)
    return status, {finding["subject"]: Finding(**finding) for finding in report["findings"]}


def test_a_sound_installation_is_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = doctor_as_json(capsys)
    assert status == 0
    assert found["llama.cpp"].state == "ok"
    assert found["llama.cpp"].text.startswith("llama-cpp-python ")
    assert found["device"].text
    assert (found["model"].state, found["model"].text) == ("note", "none on this machine")
    for subject in ("Python", "memory", "CPU code", "settings", "database", "inventory", "terminal", "data folder"):
        assert found[subject].state == "ok"


def test_it_prints_a_line_for_each_finding_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok      mistral-tui")
    assert any(line.startswith("note    model") for line in lines)
    assert any(line.strip() == "to fix: mistral-tui models pull fetches the starter" for line in lines)
    assert "\x1b" not in "".join(lines)


def test_what_is_broken_makes_the_exit_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE", ("-c", "raise SystemExit('error: llama-cpp-python is not installed')"))
    status, found = doctor_as_json(capsys)
    assert status == 1
    assert found["llama.cpp"].state == "broken"
    assert found["llama.cpp"].text == "llama-cpp-python is not installed"
    assert found["llama.cpp"].fix


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('error: no such library')", "no such library"),
        ("print('no json')", "it said nothing"),
        ("print('[1]')", "it said nothing"),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
            "crashed with SIGILL: this build is damaged or for another CPU",
            marks=pytest.mark.skipif(os.name == "nt", reason="signals"),
        ),
    ],
)
def test_a_probe_that_fails_or_crashes_is_a_finding(program: str, message: str) -> None:
    finding = probe(("-c", program))
    assert isinstance(finding, Finding)
    assert finding.state == "broken"
    assert message in finding.text
    assert list(llama_cpp(finding)) == [finding]


def test_devices_are_listed_with_their_memory_and_number() -> None:
    gpu = {"name": "CUDA0", "description": "NVIDIA", "free": 8_000_000_000, "total": 16_000_000_000, "type": "gpu"}
    cpu = {"name": "CPU", "description": "AMD", "free": 10**15, "total": 10**15, "type": "cpu"}
    answer = {
        "version": "1",
        "llama_cpp": "2",
        "features": {"AVX": True, "AMX": False},
        "devices": [cpu, gpu],
        "accelerators": ["CUDA0"],
        "rpc": False,
    }
    found = list(llama_cpp(answer))
    devices = [finding.text for finding in found if finding.subject == "device"]
    assert devices[1] == "CUDA0: NVIDIA, 8.0 GB of 16.0 GB free; accelerator 0 (-n 0:LAYERS)"
    assert devices[0].startswith("CPU: AMD, ")
    by_subject = {finding.subject: finding for finding in found}
    assert by_subject["CPU code"].text == "AVX"
    assert by_subject["RPC"].state == "note"
    assert "accelerators" not in by_subject


def test_the_build_is_part_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    build = json.loads(capsys.readouterr().out)["llama_cpp"]
    (cpu,) = [device for device in build["devices"] if device["type"] == "cpu"]
    assert 0 < cpu["free"] <= cpu["total"]
    assert build["rpc"] is True
    assert build["accelerators"] == []
    assert build["features"]


def test_rpc_workers_of_the_settings_are_asked() -> None:
    gone = closed_port()
    with rpc_worker() as (address, _):
        there, missing = rpc_workers([address, gone])
    assert (there.state, missing.state) == ("ok", "broken")
    assert there.text.startswith(f"{address}, ")
    assert f"no RPC worker listens at {gone}" in missing.text


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs modes, and not to be root")
def test_a_folder_without_permission_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    monkeypatch.setenv("MISTRAL_TUI_STATE_DIR", str(closed / "state"))
    found = {finding.subject: finding for finding in folders(Paths.resolve())}
    assert found["state folder"].state == "broken"
    assert found["state folder"].fix == f"change the permissions of {closed}"


def test_a_file_in_the_place_of_a_folder_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_CACHE_DIR", str(tmp_path / "file" / "cache"))
    found = {finding.subject: finding for finding in folders(Paths.resolve())}
    assert found["cache folder"].state == "broken"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_chats_that_others_can_read_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("MISTRAL_TUI_DATABASE", str(tmp_path / "chats.db"))
    found = {finding.subject: finding for finding in folders(Paths.resolve())}
    assert found["data folder"].fix == f"chmod 700 {tmp_path}"


def test_settings_that_are_ignored_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.toml").write_text("nope = 1\n", "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_CONFIG", str(tmp_path / "c.toml"))
    (finding,) = settings(Paths.resolve())
    assert finding.state == "note"
    assert "line 1, nope" in finding.text


def test_the_state_of_the_database_is_told_and_it_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    assert [finding.state for finding in database(path)] == ["ok"]
    assert not path.exists()
    path.write_bytes(b"not a database" * 100)
    (finding,) = database(path)
    assert finding.state == "broken"
    assert path.read_bytes() == b"not a database" * 100
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    (finding,) = database(path)
    assert finding.state == "note"
    assert "newer version" in finding.text


def test_models_on_disk_are_looked_at(smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    inventory = [{"name": "good", "path": str(smollm2)}, {"name": "bad", "path": "bad.gguf"}, {"path": "x"}]
    (tmp_path / "i.json").write_text(json.dumps(inventory), "utf-8")
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(tmp_path / "i.json"))
    found = list(models(Paths.resolve()))
    assert [(finding.subject, finding.state) for finding in found] == [
        ("inventory", "note"),
        ("inventory", "ok"),
        ("model", "ok"),
        ("model", "broken"),
    ]
    assert found[2].text == "good, Q4_1, 0.10 GB"
    assert found[3].fix == "download it again, or delete it"
