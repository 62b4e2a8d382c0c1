"""Fetching and calling models, with the real program in processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.program import PATIENCE, run
from tests.models.discovery.places import ollama_model
from tests.stubs.gguf import GgufFile
from tests.stubs.hub import Hub, running_hub

pytestmark = pytest.mark.core
BIG = GgufFile(tensors=[("token_embd.weight", (64, 40_000), 0)]).bytes()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.repositories["owner/repo"] = {"big-Q4_K_M.gguf": BIG}
        yield hub


def pulling() -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "mistral_tui", "models", "pull", "owner/repo"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def part_size() -> int:
    folder = Path(os.environ["MISTRAL_TUI_MODELS"]) / "owner" / "repo"
    return sum(part.stat().st_size for part in folder.glob("*.part"))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_a_pull_that_is_ended_goes_on_where_it_was(hub: Hub, end: signal.Signals) -> None:
    hub.stall_after = len(BIG) // 2
    with pulling() as program:
        wait_for(lambda: part_size() > len(BIG) // 3)
        program.send_signal(end)
        _, complaints = program.communicate(timeout=10)  # though the server says nothing
    assert program.returncode == (130 if end == signal.SIGINT else -end)
    assert "Traceback" not in complaints
    told = "note: stopped; what was fetched is kept, and the same command goes on\n"
    assert complaints.endswith(told) == (end == signal.SIGINT)
    kept = part_size()
    assert kept > len(BIG) // 3
    hub.stall_after = None
    hub.go_on.set()
    done = run("models", "pull", "owner/repo")
    assert (done.returncode, done.stderr) == (0, "fetching owner/repo\n")
    path = Path(done.stdout.strip())
    assert path.read_bytes() == BIG
    assert hub.content_requests()[-1].range == f"bytes={kept}-"
    assert json.loads(run("models", "list", "--json").stdout)[-1]["name"] == "big-Q4_K_M"


def test_the_token_of_the_login_is_used_and_never_shown(hub: Hub, tmp_path: Path) -> None:
    hub.token = "hf_very_secret"
    hub.gated.add("owner/repo")
    refused = run("models", "pull", "owner/repo")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "owner/repo is gated: ask for access at" in refused.stderr
    login = Path(os.environ["HF_HOME"]) / "token"
    login.parent.mkdir(parents=True, exist_ok=True)
    login.write_text("hf_very_secret")
    log = tmp_path / "log"
    done = run("--debug", "--log", str(log), "models", "pull", "owner/repo")
    assert done.returncode == 0
    assert "hf_very_secret" in {asked.token for asked in hub.asked}
    login.write_text("hf_very_wrong")
    refused = run("--debug", "--log", str(log), "models", "pull", "owner/repo:Q4_K_M")
    assert "does not accept your token (that `hf auth login` stored); log in with `hf auth login`" in refused.stderr
    assert "hf_very" not in done.stdout + done.stderr + refused.stdout + refused.stderr + log.read_text()


def test_offline_makes_no_call(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused = run("models", "pull", "owner/repo")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "error: owner/repo was not fetched: HF_HUB_OFFLINE is set; unset it to use the network\n"
    assert hub.asked == []


def test_a_model_of_ollama_answers(smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    ollama_model(tmp_path, "registry.ollama.ai/library/smollm2/135m", {"model": smollm2.read_bytes()})
    answer = run("ask", "-m", "smollm2", "--max-tokens", "4", "--temperature", "0", "What is the capital of Japan?")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip()


def test_a_model_of_a_named_folder_answers(smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "Little-Q4_1.gguf").symlink_to(smollm2)
    arguments = ("--max-tokens", "4", "--temperature", "0", "What is the capital of Japan?")
    answer = run("--model-path", str(tmp_path), "ask", "-m", "little", *arguments)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip()
