"""The command line of the build script."""

import sys
from pathlib import Path

from scripts.steps.check_env import check_environment
from scripts.steps.environment import ensure, installed_extras
from scripts.steps.plan import MARKER_EXTRAS, STEPS, plan
from scripts.steps.project import Project
from scripts.steps.running import Runner, StepFailed
from scripts.steps.starter import starter_to_fetch


def main(argv: list[str]) -> int:
    """Run the step that `argv` names.

    Returns:
        The exit status: 0, 1 for a failure, 2 for a step that does not exist, 130 when it was interrupted.
    """
    _print_what_the_terminal_can()
    # A carriage return is what a Makefile with Windows line ends may leave at the end of a word.
    words = [word.rstrip("\r") for word in argv] or ["help"]
    name, *arguments = words
    if name in ("help", "-h", "--help"):
        print(help_text())
        return 0
    if name not in STEPS:
        print(f"error: there is no step {name}; these are: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    try:
        return _run(name, Project.here(tuple(arguments)))
    except StepFailed as failure:
        if str(failure):
            print(f"error: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def _run(name: str, project: Project) -> int:
    if name == "check-env":
        return check_environment(project)
    marker = name.removeprefix("test-")
    if marker in MARKER_EXTRAS and not has_tests(Path(project.root), marker):
        print(f"no tests are marked {marker} yet")
        return 0
    step = STEPS[name]
    if step.installs is not None:
        ensure(project, step.installs)
    runner = Runner(project, name)
    if name in ("run", "run-tui"):
        for action in plan(name, project, starter=starter_to_fetch(project)):
            runner.run(action)
    else:
        runner.run_all(plan(name, project, installed_extras(project)))
    return 0


def has_tests(root: Path, marker: str) -> bool:
    """Whether any test file names the marker; asked first, because some extras are gigabytes to install."""
    return any(f"mark.{marker}" in path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))


def help_text() -> str:
    """Return the list of steps."""
    width = max(map(len, STEPS))
    lines = [f"  {step.name:<{width}}  {step.summary}" for step in STEPS.values()]
    return "\n".join(
        [
            "make STEP, or without make: python scripts/build.py STEP",
            "",
            *lines,
            "",
            'ARGS="…" goes to the interface, the tests or the benchmarks: make test ARGS="-k store"',
            "VERBOSE=1 shows everything as it comes; logs are in .logs/",
        ]
    )


def _print_what_the_terminal_can() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
