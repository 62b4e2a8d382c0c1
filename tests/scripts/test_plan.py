"""Which commands each step runs, on each platform."""

import pytest

from scripts.steps.commands import Command, Remove
from scripts.steps.plan import MARKER_EXTRAS, STEPS, plan
from scripts.steps.project import PlatformName
from tests.scripts.projects import project_on

pytestmark = pytest.mark.core

PYTHON = {
    "linux": "/home/ada lovelace/mistral tui/.venv/bin/python",
    "macos": "/Users/ada lovelace/mistral tui/.venv/bin/python",
    "windows": r"C:\Users\ada lovelace\mistral tui\.venv\Scripts\python.exe",
}
LINT_IMPORTS = {
    "linux": "/home/ada lovelace/mistral tui/.venv/bin/lint-imports",
    "macos": "/Users/ada lovelace/mistral tui/.venv/bin/lint-imports",
    "windows": r"C:\Users\ada lovelace\mistral tui\.venv\Scripts\lint-imports.exe",
}
PROGRAM = {
    "linux": "/home/ada lovelace/mistral tui/.venv/bin/mistral-tui",
    "macos": "/Users/ada lovelace/mistral tui/.venv/bin/mistral-tui",
    "windows": r"C:\Users\ada lovelace\mistral tui\.venv\Scripts\mistral-tui.exe",
}

RUFF_CHECK = "PYTHON -m ruff check ."
FORMAT_CHECK = "PYTHON -m ruff format --check ."
MYPY = "PYTHON -m mypy"
CONTRACTS = "LINT_IMPORTS --no-logo"
PYTEST = "PYTHON -m pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal"
TESTS = f"{PYTEST} -m not mcp and not torch and not vision and not server and not web"
CLEAN = (
    "remove .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .logs .testlogs build dist "
    "*.egg-info snapshot_report.html [!.]*/**/__pycache__"
)

EXPECTED = {
    "run-tui": ["PROGRAM"],
    "run": ["PROGRAM"],
    "test": [TESTS],
    "check": [RUFF_CHECK, MYPY],
    "lint": [RUFF_CHECK, FORMAT_CHECK, MYPY, CONTRACTS],
    "lint-fix": ["PYTHON -m ruff check --fix .", "PYTHON -m ruff format ."],
    "fmt": ["PYTHON -m ruff format ."],
    "fmt-check": [FORMAT_CHECK],
    "ci": [RUFF_CHECK, FORMAT_CHECK, MYPY, CONTRACTS, TESTS],
    "bench-app": ["PYTHON -m benchmarks"],
    "clean": [CLEAN],
    "clean-all": [CLEAN, "remove .venv"],
    "test-core": [f"{PYTEST} -m core"],
    "test-quant": [f"{PYTEST} -m quant"],
    "test-mcp": [f"{PYTEST} -m mcp"],
    "test-torch": [f"{PYTEST} -m torch"],
    "test-vision": [f"{PYTEST} -m vision"],
    "test-server": [f"{PYTEST} -m server"],
    "test-web": [f"{PYTEST} -m web"],
}

INSTALLS = {
    None: {"help", "check-env", "clean", "clean-all"},
    "": {"run-tui", "run"},
    "dev": {"test", "check", "lint", "lint-fix", "fmt", "fmt-check", "ci", "bench-app", "test-core", "test-quant"},
    "dev,mcp": {"test-mcp"},
    "dev,torch": {"test-torch", "test-vision"},
    "dev,server": {"test-server"},
    "dev,web": {"test-web"},
}


@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
@pytest.mark.parametrize("step", EXPECTED)
def test_a_step_runs_these_commands(step: str, platform: PlatformName) -> None:
    actions = plan(step, project_on(platform), installed=frozenset({"dev"}))
    assert [readable(action, platform) for action in actions] == EXPECTED[step]


def readable(action: Command | Remove, platform: PlatformName) -> str:
    if isinstance(action, Remove):
        return " ".join(("remove", *action.patterns))
    program, *arguments = action.argv
    names = {PYTHON[platform]: "PYTHON", LINT_IMPORTS[platform]: "LINT_IMPORTS", PROGRAM[platform]: "PROGRAM"}
    return " ".join((names[program], *arguments))


def test_every_step_that_does_something_is_listed_here() -> None:
    assert set(EXPECTED) == set(STEPS) - {"help", "check-env"}


def test_each_step_installs_what_it_needs_and_no_more() -> None:
    wanted = {name: extras for extras, names in INSTALLS.items() for name in names}
    found = {step.name: None if step.installs is None else ",".join(sorted(step.installs)) for step in STEPS.values()}
    assert found == wanted


def test_every_marker_has_a_step() -> None:
    assert {f"test-{marker}" for marker in MARKER_EXTRAS} == {name for name in STEPS if name.startswith("test-")}


def test_test_runs_the_tests_of_the_extras_that_are_installed() -> None:
    (tests,) = plan("test", project_on("linux"), installed=frozenset({"dev", "torch", "server"}))
    assert readable(tests, "linux") == f"{PYTEST} -m not mcp and not web"


def test_test_selects_nothing_when_every_extra_is_installed() -> None:
    everything = frozenset({"dev"}).union(*MARKER_EXTRAS.values())
    (tests,) = plan("test", project_on("linux"), installed=everything)
    assert readable(tests, "linux") == PYTEST


@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
def test_run_tui_fetches_the_starter_first_when_there_is_no_model(platform: PlatformName) -> None:
    actions = plan("run-tui", project_on(platform), starter="Small-1B")
    commands = ["PYTHON -m mistral_tui models pull Small-1B", "PROGRAM"]
    assert [readable(action, platform) for action in actions] == commands


def test_the_interface_takes_over_the_terminal() -> None:
    (interface,) = plan("run-tui", project_on("linux"))
    assert isinstance(interface, Command)
    assert interface.output == "replace"


@pytest.mark.parametrize("step", ["test", "test-core", "run-tui", "bench-app", "ci"])
def test_arguments_reach_the_command(step: str) -> None:
    project = project_on("linux", {"ARGS": '-k "two words"'}, ("-x",))
    last = plan(step, project)[-1]
    assert isinstance(last, Command)
    assert last.argv[-3:] == ("-k", "two words", "-x")


def test_a_backslash_in_arguments_stays_on_windows() -> None:
    project = project_on("windows", {"ARGS": r'-m "C:\my models\small.gguf"'})
    (interface,) = plan("run-tui", project)
    assert isinstance(interface, Command)
    assert interface.argv[1:] == ("-m", r"C:\my models\small.gguf")
