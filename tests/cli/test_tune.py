"""`mistral-tui tune`: what it prints, where it keeps its choice, and what a wrong call gets."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines.jobs.tuned import tuned_file
from tests.e2e.program import run
from tests.engines.gguf.tiny_experts import write_experts

pytestmark = pytest.mark.core


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_experts(tmp_path / "tiny.gguf")


def test_it_prints_what_it_measured_and_keeps_what_it_chose(tiny: Path) -> None:
    done = run("tune", "-m", str(tiny), "--threads", "1")
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["setting", "value", "prompt", "t/s", "reply", "t/s"]
    assert [row.split()[0] for row in rows if row.startswith(("flash", "batch", "threads"))] == ["flash", "batch"]
    assert rows[-1].startswith("tiny")
    assert "measuring tiny" in done.stderr
    assert len(json.loads(tuned_file().read_text("utf-8"))["choices"]) == 1


def test_json_has_every_trial_and_the_choice(tiny: Path) -> None:
    done = run("tune", "-m", str(tiny), "--threads", "1", "--batch-size", "64", "--profile", "quality", "--json")
    report = json.loads(done.stdout)
    assert (report["schema_version"], report["model"], report["profile"]) == (1, "tiny", "quality")
    assert [(trial["setting"], trial["value"]) for trial in report["measured"]] == [
        ("flash attention", "off"),
        ("flash attention", "on"),
    ]
    assert all(trial["prompt_rate"] > 0 and trial["reply_rate"] > 0 for trial in report["measured"])
    assert set(report["chosen"]) == {"threads", "flash_attention", "batch_tokens", "kv_type"}


def test_with_everything_fixed_the_settings_are_the_defaults(tiny: Path) -> None:
    fixed = ("--threads", "1", "--batch-size", "64", "--flash-attn", "off", "--kv-type", "bf16")
    done = run("tune", "-m", str(tiny), *fixed, "--emit-config")
    assert done.stdout == "# the defaults are the fastest\n"


def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"MZ")
    done = run("tune", "-m", str(tmp_path / "bad.gguf"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""


def test_a_wrong_profile_is_a_wrong_call(tiny: Path) -> None:
    done = run("tune", "-m", str(tiny), "--profile", "reckless")
    assert done.returncode == 2
    assert "reckless" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_stops_it_and_its_child(smollm2: Path) -> None:
    command = [sys.executable, "-m", "mistral_tui", "tune", "-m", str(smollm2), "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "loading" in process.stderr.readline()
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    assert not child.is_running()
    assert not tuned_file().exists()
