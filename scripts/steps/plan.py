"""Which commands each step runs. Pure functions of the platform and the checkout, so that tests can read them."""

from dataclasses import dataclass

from scripts.steps.commands import Command, Remove
from scripts.steps.project import Project

MARKER_EXTRAS = {
    "core": frozenset[str](),
    "quant": frozenset[str](),
    "mcp": frozenset({"mcp"}),
    "torch": frozenset({"torch"}),
    "vision": frozenset({"torch"}),
    "server": frozenset({"server"}),
    "web": frozenset({"web"}),
}
"""The markers of the tests, and the extras that each needs."""

SHARED_OUT = ("--numprocesses=logical", "--maxprocesses=4", "--dist=worksteal")
"""How the tests run side by side. Not more than four: many of them start a worker with a model, which takes memory."""

CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")


@dataclass(frozen=True)
class Step:
    """One thing that `make` can be asked for."""

    name: str
    summary: str
    installs: frozenset[str] | None = None
    """Extras that must be installed first; `None`: the step needs no `.venv`."""


_DEV = frozenset({"dev"})

STEPS = {
    step.name: step
    for step in (
        Step("help", "list the steps (the default)"),
        Step("run-tui", "set everything up, fetch the starter model if there is none, open the interface", frozenset()),
        Step("run", "the same as run-tui", frozenset()),
        Step("test", "run the tests of everything that is installed", _DEV),
        Step("check", "the quick look while you work: ruff and mypy", _DEV),
        Step("lint", "ruff, format, mypy and the import contracts", _DEV),
        Step("lint-fix", "let ruff repair what it can, and format", _DEV),
        Step("fmt", "format the code", _DEV),
        Step("fmt-check", "say what is not formatted", _DEV),
        Step("ci", "lint, fmt-check and test: what must pass before a push", _DEV),
        Step("bench-app", "measure the program against its budgets", _DEV),
        Step("check-env", "say what this machine has and what is missing"),
        Step("clean", "remove caches, logs and built packages"),
        Step("clean-all", "clean, and remove .venv (never your models or settings)"),
        *(
            Step(f"test-{marker}", f"run the tests marked {marker}", _DEV | extras)
            for marker, extras in MARKER_EXTRAS.items()
        ),
    )
}


def plan(
    step: str, project: Project, installed: frozenset[str] = frozenset(), starter: str | None = None
) -> list[Command | Remove]:
    """Return what a step does once `.venv` is ready.

    Args:
        step: A name of `STEPS`, other than `help` and `check-env`, which only print.
        project: The checkout and its platform.
        installed: Extras that `.venv` holds; `test` leaves out the tests of the others.
        starter: For `run-tui`: the model to fetch first, if there is none on disk.
    """
    if step in ("run-tui", "run"):
        return _run_tui(project, starter)
    if step.startswith("test-"):
        return [_marked_tests(step.removeprefix("test-"), project)]
    match step:
        case "check":
            return [_ruff_check(project), _mypy(project)]
        case "lint":
            return _lint(project)
        case "lint-fix":
            return [_ruff("Repairing", project, "check", "--fix", "."), _ruff("Formatting", project, "format", ".")]
        case "fmt":
            return [_ruff("Formatting", project, "format", ".")]
        case "fmt-check":
            return [_format_check(project)]
        case "test":
            return [_tests(project, installed)]
        case "ci":
            return [*_lint(project), _tests(project, installed)]
        case "bench-app":
            argv = (str(project.venv_python), "-m", "benchmarks", *project.extra_arguments)
            return [Command("Measuring", argv, output="both")]
        case "clean":
            return [_clean(project)]
        case "clean-all":
            return [_clean(project), Remove("Removing .venv", (".venv",), project.root)]
    raise ValueError(step)


def _run_tui(project: Project, starter: str | None) -> list[Command | Remove]:
    commands: list[Command | Remove] = []
    if starter is not None:
        argv = (str(project.venv_python), "-m", "mistral_tui", "models", "pull", starter)
        commands.append(Command(f"Fetching the starter model {starter}", argv, output="terminal"))
    interface = (str(project.script("mistral-tui")), *project.extra_arguments)
    return [*commands, Command("Opening the interface", interface, output="replace")]


def _tests(project: Project, installed: frozenset[str]) -> Command:
    missing = [marker for marker, extras in MARKER_EXTRAS.items() if not extras <= installed]
    selection = ("-m", " and ".join(f"not {marker}" for marker in missing)) if missing else ()
    return Command("Testing", _pytest(project, *selection), output="both")


def _marked_tests(marker: str, project: Project) -> Command:
    return Command(f"Testing {marker}", _pytest(project, "-m", marker), output="both")


def _pytest(project: Project, *selection: str) -> tuple[str, ...]:
    return (str(project.venv_python), "-m", "pytest", *SHARED_OUT, *selection, *project.extra_arguments)


def _lint(project: Project) -> list[Command | Remove]:
    contracts = Command("Checking the import contracts", (str(project.script("lint-imports")), "--no-logo"))
    return [_ruff_check(project), _format_check(project), _mypy(project), contracts]


def _ruff_check(project: Project) -> Command:
    return _ruff("Checking with ruff", project, "check", ".")


def _format_check(project: Project) -> Command:
    return _ruff("Checking the format", project, "format", "--check", ".")


def _ruff(title: str, project: Project, *arguments: str) -> Command:
    return Command(title, (str(project.venv_python), "-m", "ruff", *arguments))


def _mypy(project: Project) -> Command:
    return Command("Checking types", (str(project.venv_python), "-m", "mypy"))


def _clean(project: Project) -> Remove:
    patterns = (*CACHES, ".logs", ".testlogs", "build", "dist", "*.egg-info", "snapshot_report.html")
    return Remove("Removing caches, logs and built packages", (*patterns, "[!.]*/**/__pycache__"), project.root)
