"""Imports run one way, and what is heavy is loaded only where it is used."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import mistral_tui

pytestmark = pytest.mark.core

ROOT = Path(__file__).parent.parent

NATIVE = {"llama_cpp", "numpy", "torch", "transformers", "diffusers", "peft", "accelerate"}
"""What only worker processes may load."""
SLOW = {"mcp", "PIL", "pydantic"}
"""What costs everybody time and is needed by few."""

FORGET_NOTHING = """
import sys
before = set(sys.modules)
{code}
print("LOADED", *sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""


def loaded_by(code: str) -> set[str]:
    """The top-level packages that `code` loads in a process of its own."""
    argv = [sys.executable, "-c", FORGET_NOTHING.format(code=code)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "LOADED"
    return set(last[1:])


def modules() -> list[str]:
    """Every module of the program but those that run as a program themselves."""
    found = pkgutil.walk_packages(mistral_tui.__path__, "mistral_tui.")
    return [module.name for module in found if not module.name.endswith("__main__")]


def importing(names: list[str]) -> str:
    return "\n".join(f"import {name}" for name in names)


def test_the_import_contracts_are_kept(tmp_path: Path) -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports.exe" if os.name == "nt" else "lint-imports")
    argv = [str(lint_imports), "--no-logo", "--cache-dir", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_package_itself_loads_nothing_from_elsewhere() -> None:
    assert loaded_by("import mistral_tui") == {"mistral_tui"}


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_a_quick_answer_loads_nothing_heavy(flag: str) -> None:
    code = f"from mistral_tui.cli.main import main\ntry:\n    main(['{flag}'])\nexcept SystemExit:\n    pass"
    heavy = NATIVE | SLOW | {"textual", "rich", "typer", "jinja2", "sqlite3", "asyncio"}
    assert loaded_by(code) & heavy == set()


def test_only_children_may_load_native_code_and_the_sdk_of_mcp() -> None:
    of_children = ("mistral_tui.engines.gguf", "mistral_tui.tools.mcp.client")
    names = [name for name in modules() if not name.startswith(of_children)]
    assert loaded_by(importing(names)) & (NATIVE | SLOW) == set()


def test_only_the_screen_loads_textual() -> None:
    opens_the_screen = ("mistral_tui.tui", "mistral_tui.cli.interface")
    names = [name for name in modules() if not name.startswith((*opens_the_screen, "mistral_tui.tools.mcp.client"))]
    assert "textual" not in loaded_by(importing(names))


@pytest.mark.parametrize("layer", ["types", "config", "processes", "models", "store", "engines", "chat"])
def test_a_layer_can_be_imported_alone(layer: str) -> None:
    names = [name for name in modules() if name.startswith(f"mistral_tui.{layer}.")]
    assert "mistral_tui" in loaded_by(importing(names))


def test_a_worker_process_loads_nothing_of_the_screen_and_the_store() -> None:
    loaded = loaded_by("import mistral_tui.engines.worker.main")
    assert loaded & ({"textual", "rich", "sqlite3"} | SLOW) == set()
