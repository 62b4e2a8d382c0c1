"""LoRAs on the command line."""

from pathlib import Path

import pytest

from mistral_tui.cli.flags import adapter
from mistral_tui.types.models import Adapter
from tests.e2e.program import run
from tests.stubs.lora import write_lora

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/a.gguf", Adapter("/a.gguf")),
        ("/a.gguf=0.5", Adapter("/a.gguf", 0.5)),
        ("/a=b.gguf", Adapter("/a=b.gguf")),
        ("/a=b.gguf=-2", Adapter("/a=b.gguf", -2)),
    ],
)
def test_a_lora_is_a_file_and_perhaps_a_scale(text: str, meant: Adapter) -> None:
    assert adapter(text) == meant


def test_a_lora_changes_the_answer(smollm2: Path, tmp_path: Path) -> None:
    lora = write_lora(tmp_path / "lora.gguf")
    ask = ("ask", "-m", str(smollm2), "--no-save", "--temperature", "0", "--max-tokens", "8", "--threads", "1", "Why?")
    plain = run(*ask)
    strong = run(*ask, "--lora", str(lora))
    off = run(*ask, "--lora", f"{lora}=0")
    assert plain.returncode == strong.returncode == off.returncode == 0, strong.stderr
    assert plain.stdout == off.stdout != strong.stdout


def test_a_lora_that_is_not_there_is_named(smollm2: Path, tmp_path: Path) -> None:
    refused = run("ask", "-m", str(smollm2), "--no-save", "--lora", str(tmp_path / "no.gguf"), "Why?")
    assert refused.returncode == 1
    assert "no.gguf" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_lora_gguf_needs_a_lora(smollm2: Path) -> None:
    refused = run("lora-gguf", "-m", str(smollm2.parent), "-f", smollm2.name)
    assert refused.returncode == 2
    assert "name a LoRA with -a" in refused.stderr
