"""How commands are run, and what the person sees of it."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.steps.commands import Command, Output, Remove
from scripts.steps.project import Project
from scripts.steps.running import Runner, StepFailed
from tests.scripts.projects import checkout_at

pytestmark = pytest.mark.core


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return checkout_at(tmp_path / "check out")


def python(code: str, output: Output = "log") -> Command:
    return Command("Counting", (sys.executable, "-c", code), output=output)


def test_a_quiet_command_leaves_its_output_in_the_log(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    runner = Runner(project, "count")
    runner.run(python("print('one sheep')"))
    runner.run(python("print('two sheep')"))
    assert "sheep" not in capfd.readouterr().out
    log = (Path(project.root) / ".logs" / "count.log").read_text()
    assert re.findall(r"^\$ |^\w+ sheep$", log, re.MULTILINE) == ["$ ", "one sheep", "$ ", "two sheep"]


def test_a_failure_shows_the_end_of_the_output_and_names_the_log(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StepFailed, match=r"Counting failed \(exit status 7\); .*count\.log"):
        Runner(project, "count").run(python("for n in range(1000): print('line', n)\nraise SystemExit(7)"))
    shown = capfd.readouterr().out
    assert "line 999" in shown
    assert "line 100\n" not in shown
    assert "940 lines more" in shown


def test_output_for_both_is_shown_and_kept(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    Runner(project, "count").run(python("print('three')", output="both"))
    assert "three" in capfd.readouterr().out
    assert "three" in (Path(project.root) / ".logs" / "count.log").read_text()


def test_a_command_with_the_terminal_keeps_no_log(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StepFailed, match=r"Counting failed \(exit status 3\)$"):
        Runner(project, "count").run(python("print('four')\nraise SystemExit(3)", output="terminal"))
    assert "four" in capfd.readouterr().out
    assert not (Path(project.root) / ".logs").exists()


def test_verbose_shows_everything(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    verbose = replace(project, env={**project.env, "VERBOSE": "1"})
    Runner(verbose, "count").run(python("print('five')"))
    assert "five" in capfd.readouterr().out


def test_a_program_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(StepFailed, match="cannot start no-such-program"):
        Runner(project, "count").run(Command("Counting", ("no-such-program",)))


def test_the_checks_after_a_failed_one_run_too(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StepFailed) as failure:
        Runner(project, "count").run_all([python("raise SystemExit(1)"), python("print('six')")])
    assert failure.value.status == 1
    assert "done in" in capfd.readouterr().out


def test_removing_takes_what_the_patterns_name(project: Project) -> None:
    root = Path(project.root)
    for name in ("dist/a.whl", "package/deep/__pycache__/x.pyc", ".venv/lib/__pycache__/y.pyc", "models/keep"):
        (root / name).parent.mkdir(parents=True)
        (root / name).touch()
    Runner(project, "clean").run(Remove("Removing", ("dist", "[!.]*/**/__pycache__", "nothing"), project.root))
    left = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert left == {"pyproject.toml", "constraints.txt", ".venv/lib/__pycache__/y.pyc", "models/keep"}
