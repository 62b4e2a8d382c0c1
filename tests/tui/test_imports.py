"""What the process that draws the screen must never load, and what it loads only when it is used."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.core

NEVER = {"llama_cpp", "torch", "transformers", "numpy", "PIL", "mcp", "pydantic"}
LATER = {"pygments", "markdown_it.main", "tomlkit", "typer"}


@pytest.mark.parametrize("unwanted", [NEVER, LATER], ids=["never", "later"])
def test_importing_the_interface_does_not_load(unwanted: set[str]) -> None:
    code = f"import sys, mistral_tui.tui.app; print(sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
