"""`mistral-tui quantize`, as it is typed."""

from pathlib import Path

import pytest

from tests.e2e.program import run

pytestmark = pytest.mark.quant


def test_the_result_is_known_by_its_name(smollm2: Path, tmp_path: Path) -> None:
    target = tmp_path / "my models" / "tiny-q8.gguf"
    made = run("quantize", str(smollm2), str(target), "--type", "Q8_0", "--allow-requantize")
    assert made.returncode == 0, made.stderr
    assert made.stdout == f"{target}\n"
    shown = run("models", "info", "tiny-q8")
    assert "Q8_0" in shown.stdout
    again = run("quantize", str(smollm2), str(target), "--type", "Q4_0", "--allow-requantize")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused = run("quantize", "no-such-model", str(tmp_path / "x.gguf"), "--type", "Q4_0")
    assert refused.returncode == 1
    assert "no-such-model" in refused.stderr
    assert refused.stderr.count("\n") == 1
