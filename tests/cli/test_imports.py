"""What each command loads before it is needed: nothing heavy. Seen in a process of its own, as people start it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.core

ALWAYS_HEAVY = {"torch", "llama_cpp", "mcp", "numpy", "PIL", "transformers"}
"""What the process that a person starts never loads."""
SLOW = ALWAYS_HEAVY | {"textual", "typer", "pydantic", "rich", "asyncio", "msgspec", "jinja2", "sqlite3"}
"""What `--version` and `--help` can do without."""

PROBE = """
import sys
from mistral_tui.cli.main import main
status = main(sys.argv[1:])
sys.stdout.flush()
print("\\nLOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(status)
"""


def loaded_by(*arguments: str, status: int = 0) -> set[str]:
    """Run a command and return the top-level modules that were loaded at its end."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == status, result.stderr
    return set(result.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_version_and_help_load_next_to_nothing(arguments: tuple[str, ...]) -> None:
    assert not loaded_by(*arguments) & SLOW


def test_a_wrong_call_loads_next_to_nothing() -> None:
    assert not loaded_by("--nonsense", status=2) & SLOW


@pytest.mark.parametrize("group", ["models", "sessions", "doctor"])
def test_the_help_of_a_group_loads_no_engine_and_no_screen(group: str) -> None:
    assert not loaded_by(group, "--help") & (ALWAYS_HEAVY | {"textual", "pydantic", "rich"})


@pytest.mark.parametrize("arguments", [("ask", "--help"), ("gguf", "--help")])
def test_the_help_of_the_way_to_an_answer_needs_no_typer(arguments: tuple[str, ...]) -> None:
    assert not loaded_by(*arguments) & (ALWAYS_HEAVY | {"textual", "pydantic", "typer", "rich"})


def test_lists_load_no_engine_and_no_screen() -> None:
    assert not loaded_by("models", "list") & (ALWAYS_HEAVY | {"textual"})
    assert not loaded_by("sessions", "list") & (ALWAYS_HEAVY | {"textual"})


def test_an_answer_loads_no_engine_in_this_process(smollm2: Path) -> None:
    loaded = loaded_by("ask", "-m", str(smollm2), "--max-tokens", "1", "--threads", "1", "Hi")
    assert not loaded & (ALWAYS_HEAVY | {"textual", "typer", "pydantic", "rich", "jinja2"})


def test_the_interface_loads_no_engine() -> None:
    program = "import sys, mistral_tui.cli.interface; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(result.stdout.split()) & (ALWAYS_HEAVY | {"typer", "pydantic", "tree_sitter"})


def test_http_is_loaded_for_those_alone_who_ask_a_server() -> None:
    assert "httpx2" not in loaded_by("models", "list")
    assert "httpx2" in loaded_by("ask", "--endpoint", "http://127.0.0.1:1", "Hi", status=1)
