"""Loading a model: progress, cancelling, and files that are not what they seem."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from mistral_tui.engines.gguf.loading import load
from mistral_tui.types.errors import (
    BadChatTemplate,
    BadModelFile,
    LoadCancelled,
    NoChatTemplate,
)
from mistral_tui.types.models import LoadOptions, LoadProgress
from tests.engines.gguf.client import Client, user

pytestmark = pytest.mark.core

OPTIONS = LoadOptions(n_ctx=256, max_seqs=1, threads=1)


def opened(path: Path, options: LoadOptions = OPTIONS, plain_kernels: bool = False) -> Client:
    return Client(load(str(path), "SmolLM2", options, lambda progress: None, lambda: False, plain_kernels))


def test_it_reports_how_far_it_is_and_what_it_loaded(smollm2: Path) -> None:
    reports: list[LoadProgress] = []
    loop = load(str(smollm2), "SmolLM2", LoadOptions(threads=1), reports.append, lambda: False)
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert list(dict.fromkeys(report.stage for report in reports)) == ["loading", "checking", "ready"]
    assert loop.model.architecture == "llama"
    assert (loop.model.n_ctx, loop.model.n_ctx_train, loop.model.n_vocab) == (8192, 8192, 49152)
    assert loop.model.notices == ()
    assert "llama.cpp 0.5" in loop.model.build
    Client(loop).close()


def test_a_context_beyond_the_training_is_allowed_and_said(smollm2: Path) -> None:
    client = opened(smollm2, LoadOptions(n_ctx=9000, max_seqs=1, threads=1))
    assert client.loop.model.n_ctx == 9000
    assert client.loop.model.notices == ("SmolLM2 was trained for 8,192 tokens; beyond that it may ramble",)
    client.close()


def test_threads_beyond_the_cores_are_cut_and_said(smollm2: Path) -> None:
    client = opened(smollm2, LoadOptions(n_ctx=512, max_seqs=1, threads=512))
    assert client.loop.model.notices == (f"512 threads were asked for; this machine has cores for {os.cpu_count()}",)
    assert "Tokyo" in client.answer(user("What is the capital of Japan?")).text
    client.close()


def test_plain_kernels_compute_too_and_are_said(smollm2: Path) -> None:
    client = opened(smollm2, plain_kernels=True)
    assert "slower" in client.loop.model.notices[0]
    assert "Tokyo" in client.answer(user("What is the capital of Japan?")).text
    client.close()


@pytest.mark.parametrize("patience", [0, 3, 100])
def test_a_load_can_be_cancelled_at_any_time(smollm2: Path, patience: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > patience

    with pytest.raises(LoadCancelled, match="SmolLM2"):
        load(str(smollm2), "SmolLM2", OPTIONS, lambda progress: None, cancelled)


def test_a_template_of_the_persons_own_is_used(smollm2: Path) -> None:
    template = "{% for message in messages %}Q: {{ message.content }}\n{% endfor %}A:"
    client = opened(smollm2, LoadOptions(n_ctx=256, max_seqs=1, threads=1, chat_template=template))
    assert client.answer(user("What is the capital of Japan?"), max_tokens=4).usage.prompt_tokens < 15
    client.close()


def test_a_broken_template_is_named(smollm2: Path) -> None:
    with pytest.raises(BadChatTemplate, match="template"):
        opened(smollm2, LoadOptions(n_ctx=256, threads=1, chat_template="{% for %}"))


def test_a_template_that_raises_fails_the_request_and_nothing_else(smollm2: Path) -> None:
    template = "{{ raise_exception('no weather') if 'weather' in messages[-1].content else messages[-1].content }}"
    client = opened(smollm2, LoadOptions(n_ctx=256, max_seqs=1, threads=1, chat_template=template))
    failed = client.answer(user("weather"))
    assert failed.reason == "failed"
    assert "no weather" in (failed.last.error or "")
    assert client.answer(user("Hello"), max_tokens=2).reason == "length"
    client.close()


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=r"nowhere\.gguf"):
        opened(tmp_path / "nowhere.gguf")


def test_a_model_without_a_template_names_the_option(smollm2: Path, tmp_path: Path) -> None:
    changed = tmp_path / "untemplated.gguf"
    changed.write_bytes(smollm2.read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.chat_templite", 1))
    with pytest.raises(NoChatTemplate, match="--chat-template"):
        opened(changed)


# Damaged files, each in a process of its own: native code may crash on them, but must not hang.

_LOAD = """
import sys
from mistral_tui.engines.gguf.loading import load
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import LoadOptions
try:
    load(sys.argv[1], "damaged", LoadOptions(n_ctx=256, threads=1), lambda progress: None, lambda: False)
except MistralTuiError as error:
    print(f"{type(error).__name__}: {error}")
else:
    print("loaded")
"""


def loaded_elsewhere(path: Path) -> tuple[int, str]:
    """Load in a process of its own; return its exit status and what it says last."""
    done = subprocess.run([sys.executable, "-c", _LOAD, str(path)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.strip()


def damaged(smollm2: Path, folder: Path, change: str) -> Path:
    data = smollm2.read_bytes()
    header = bytearray(data[: 2**20])
    match change:
        case "empty":
            data = b""
        case "no GGUF":
            data = b"MZ" + bytes(1000)
        case "half a header":
            data = data[:5000]
        case "truncated":
            data = data[: len(data) // 2]
        case "unknown version":
            header[4:8] = struct.pack("<I", 99)
        case "unknown architecture":
            place = header.index(b"general.architecture") + len(b"general.architecture") + 12
            assert header[place : place + 5] == b"llama"
            header[place : place + 5] = b"zzzzz"
        case "absurd number of keys":
            header[16:24] = struct.pack("<Q", 2**60)
        case "absurd number of tensors":
            header[8:16] = struct.pack("<Q", 2**60)
        case "missing key":
            place = header.index(b"llama.embedding_length")
            header[place : place + 5] = b"lxama"
        case "absurd number of layers":
            place = header.index(b"llama.block_count") + len(b"llama.block_count") + 4
            header[place : place + 4] = struct.pack("<I", 2**20)
        case "NaN weights":
            data = data[: len(data) // 2] + b"\xff" * (len(data) - len(data) // 2)
    if header != data[: len(header)] and len(data) > len(header):
        data = bytes(header) + data[len(header) :]
    path = folder / "damaged.gguf"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("empty", ""),
        ("no GGUF", "magic"),
        ("half a header", ""),
        ("truncated", "not within the file bounds"),
        ("unknown version", "version"),
        ("unknown architecture", "unknown model architecture: 'zzzzz'"),
        ("absurd number of keys", ""),
        ("absurd number of tensors", ""),
        ("missing key", "embedding_length"),
        ("NaN weights", "NaN"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(smollm2: Path, tmp_path: Path, change: str, reason: str) -> None:
    status, said = loaded_elsewhere(damaged(smollm2, tmp_path, change))
    assert status == 0
    assert said.startswith("BadModelFile: damaged.gguf")
    assert "\n" not in said
    assert reason in said
    assert "no reason" not in said


def test_a_file_that_crashes_native_code_ends_the_process_and_does_not_hang(smollm2: Path, tmp_path: Path) -> None:
    status, said = loaded_elsewhere(damaged(smollm2, tmp_path, "absurd number of layers"))
    assert status != 0 or said.startswith("BadModelFile")
