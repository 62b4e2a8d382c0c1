"""The program that is measured: how it is started, and the model that it runs."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mistral_tui.types.models import ModelEntry
from tests.conftest import FOLDERS
from tests.real_models import SMOLLM2, model_file

PROGRAM = (sys.executable, "-m", "mistral_tui")


def find_model() -> Path:
    """Return the model that all benchmarks run on: the starter, as the tests fetch it."""
    return model_file(SMOLLM2)


def find_entry() -> ModelEntry:
    """Return that model as the engine pool takes it."""
    model = find_model()
    return ModelEntry(model.stem, model, "gguf", model.stat().st_size, downloaded=True)


def long_text(tokens: int) -> str:
    """Return English text of about this many tokens."""
    sentence = "The old harbour lies quiet in the morning, and only the gulls know who went out to sea. "
    return sentence * (tokens // 20)


def use_folders_below(folder: Path) -> None:
    """Point the program at folders that are not the person's own."""
    for name, place in FOLDERS.items():
        os.environ[name] = str(folder / place)
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.parent.mkdir(parents=True, exist_ok=True)


def write_settings(text: str) -> None:
    """Give the program these settings (TOML) from its next start on."""
    Path(os.environ["MISTRAL_TUI_CONFIG"]).write_text(text, encoding="utf-8")


def milliseconds_of(command: Sequence[str]) -> float:
    """Run a command to its end and return how long that took."""
    started = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - started)
