"""What every test may use: the small real model, outside programs, and folders that are not the person's own."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.real_models import GEMMA, QWEN, SMOLLM2, model_file, real_templates

ROOT = Path(__file__).parent.parent

FOLDERS = {
    "MISTRAL_TUI_CONFIG": "config/config.toml",
    "MISTRAL_TUI_DATABASE": "data/sessions.db",
    "MISTRAL_TUI_DATA_DIR": "data",
    "MISTRAL_TUI_STATE_DIR": "state",
    "MISTRAL_TUI_CACHE_DIR": "cache",
    "MISTRAL_TUI_MODELS": "models",
    "MISTRAL_TUI_CONFIG_DIR": "config",
    "HF_HOME": "hugging-face",
    "OLLAMA_MODELS": "ollama",
    "XDG_CONFIG_HOME": "xdg/config",
    "XDG_DATA_HOME": "xdg/data",
    "XDG_STATE_HOME": "xdg/state",
    "XDG_CACHE_HOME": "xdg/cache",
}
"""Where a test finds what would otherwise be the person's own folders, relative to a folder of that test."""

# No time limit for an example: on a busy machine it would fail tests that are right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


_LONGEST_ID = 60


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name what is long by its length: whole files would become the names of tests, and travel between processes."""
    if isinstance(val, str | bytes) and len(val) > _LONGEST_ID:
        return f"{argname} of {len(val):,}"
    return None


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_children() -> Iterator[None]:
    """Let ctrl+c end the processes that tests start, also where a shell runs the tests in its background.

    Such a shell has them ignore it, which every child inherits.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _not_the_persons_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let also what lives longer than a test, such as a model that many tests use, keep its files elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MISTRAL_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _not_the_persons_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Point the program, and every process that a test starts, at folders of the test's own."""
    for name in [name for name in os.environ if name.startswith(("MISTRAL_TUI_", "MCP_CONFIG_PATH"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, place in FOLDERS.items():
        monkeypatch.setenv(name, str(home / place))
    # The copy's relative paths lead nowhere, whatever models are in the checkout.
    inventory = shutil.copy(ROOT / "MODEL_INVENTORY.json", home)
    monkeypatch.setenv("MISTRAL_TUI_INVENTORY", str(inventory))


@pytest.fixture(autouse=True)
def _not_the_size_of_another_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what readline puts into the environment of tests that run side by side; programs would believe it."""
    for name in ("LINES", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Return the path of SmolLM2-135M-Instruct, a real chat model of 98 MB."""
    return model_file(SMOLLM2)


@pytest.fixture(scope="session")
def qwen() -> Path:
    """Return the path of Qwen2.5-Coder-0.5B-Instruct, a real model of 491 MB with a template for tools."""
    return model_file(QWEN)


@pytest.fixture(scope="session")
def gemma() -> Path:
    """Return the path of Gemma 3 270M, a base model of 253 MB with a sliding window and without a chat template."""
    return model_file(GEMMA)


@pytest.fixture(scope="session")
def templates_of_real_models() -> Path:
    """Return a folder with about 60 chat templates of real models, `NAME.jinja`."""
    return real_templates()


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
