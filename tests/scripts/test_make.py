"""The command line, and the Makefile before it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.steps.main import has_tests, main
from scripts.steps.plan import STEPS

pytestmark = pytest.mark.core

ROOT = Path(__file__).parents[2]


def test_without_a_step_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^  {name} +\w", shown, re.MULTILINE) for name in STEPS)


def test_a_step_that_does_not_exist_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tset"]) == 2
    assert "there is no step tset" in capsys.readouterr().err


def test_a_marker_without_tests_installs_nothing(tmp_path: Path) -> None:
    present, absent = "torch", "web"  # not spelled as marks, or this file would count as one of their tests
    test = tmp_path / "tests" / "engines" / "test_pool.py"
    test.parent.mkdir(parents=True)
    test.write_text(f"pytestmark = pytest.mark.{present}\n", encoding="utf-8")
    assert has_tests(tmp_path, present)
    assert not has_tests(tmp_path, absent)


def test_the_makefile_has_every_step_and_only_calls_the_script() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    (steps,) = (line.partition(":=")[2].split() for line in lines if line.startswith("STEPS"))
    assert set(steps) == set(STEPS)
    (recipe,) = (line for line in lines if line.startswith("\t"))
    assert recipe.startswith("\t@$(or $(RUN)")
    assert recipe.endswith(" scripts/build.py $@")


@pytest.mark.requires_program("make")
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_make_calls_the_script_in_a_folder_with_spaces(tmp_path: Path, line_end: bytes) -> None:
    root = tmp_path / "check out"
    (root / "scripts").mkdir(parents=True)
    (root / "Makefile").write_bytes((ROOT / "Makefile").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", line_end))
    (root / "scripts" / "build.py").write_text("import sys; print([w.rstrip('\\r') for w in sys.argv[1:]])\n")
    python = tmp_path / "my python"
    python.symlink_to(sys.executable)
    outputs = [
        subprocess.run(["make", "-s", *words], cwd=root, capture_output=True, text=True, check=True).stdout
        for words in ([], ["test"], [f"PYTHON={python}", "lint-fix"])
    ]
    assert outputs == ["['help']\n", "['test']\n", "['lint-fix']\n"]


def test_the_script_runs_from_another_folder(tmp_path: Path) -> None:
    argv = [sys.executable, str(ROOT / "scripts" / "build.py"), "help"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "run-tui" in done.stdout
