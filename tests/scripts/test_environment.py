"""How `.venv` is made, and when it is left alone."""

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from scripts.steps import environment
from scripts.steps.commands import Command, Remove
from scripts.steps.environment import (
    create_commands,
    decode_command,
    digest_of_inputs,
    ensure,
    install_command,
    install_wheel_command,
    installed_extras,
)
from scripts.steps.llama_wheel import LlamaBuild
from scripts.steps.project import PlatformName, Project
from scripts.steps.running import Runner, StepFailed
from tests.scripts.projects import checkout_at, project_on

pytestmark = pytest.mark.core

VENV = {
    "linux": "/home/ada lovelace/mistral tui/.venv",
    "macos": "/Users/ada lovelace/mistral tui/.venv",
    "windows": r"C:\Users\ada lovelace\mistral tui\.venv",
}
VENV_PYTHON = {
    "linux": "/home/ada lovelace/mistral tui/.venv/bin/python",
    "macos": "/Users/ada lovelace/mistral tui/.venv/bin/python",
    "windows": r"C:\Users\ada lovelace\mistral tui\.venv\Scripts\python.exe",
}
CONSTRAINTS = {
    "linux": "/home/ada lovelace/mistral tui/constraints.txt",
    "macos": "/Users/ada lovelace/mistral tui/constraints.txt",
    "windows": r"C:\Users\ada lovelace\mistral tui\constraints.txt",
}
PLATFORMS = pytest.mark.parametrize("platform", ["linux", "macos", "windows"])


@PLATFORMS
def test_the_venv_is_made_by_the_python_that_runs_the_script(platform: PlatformName) -> None:
    project = project_on(platform)
    (command,) = create_commands(project, has_ensurepip=True, has_pip=True)
    assert command.argv == (project.python, "-m", "venv", "--clear", VENV[platform])


def test_a_python_without_ensurepip_gets_pip_from_its_own() -> None:
    commands = create_commands(project_on("linux"), has_ensurepip=False, has_pip=True)
    assert [command.argv for command in commands] == [
        ("/usr/bin/python3", "-m", "venv", "--clear", "--without-pip", VENV["linux"]),
        ("/usr/bin/python3", "-m", "pip", "--python", VENV_PYTHON["linux"], "install", "pip"),
    ]


def test_a_python_that_can_make_no_venv_is_told_what_to_install() -> None:
    with pytest.raises(StepFailed, match="apt install python3-venv"):
        create_commands(project_on("linux"), has_ensurepip=False, has_pip=False)


@PLATFORMS
def test_the_checkout_is_installed_at_the_pinned_versions(platform: PlatformName) -> None:
    command = install_command(project_on(platform), {"torch", "dev"})
    pip = (VENV_PYTHON[platform], "-m", "pip", "install", "--constraint", CONSTRAINTS[platform])
    assert command.argv == (*pip, "--editable", ".[dev,torch]")


def test_the_interface_needs_no_extras() -> None:
    assert install_command(project_on("linux"), ()).argv[-2:] == ("--editable", ".")


@PLATFORMS
def test_our_wheel_replaces_another_of_the_same_version(platform: PlatformName) -> None:
    wheel = Path("my wheels") / "llama.whl"
    pip = (VENV_PYTHON[platform], "-m", "pip", "install")
    command = install_wheel_command(project_on(platform), wheel)
    assert command.argv == (*pip, "--no-deps", "--force-reinstall", str(wheel))


def test_the_proof_runs_in_the_venv_and_starts_no_debugger() -> None:
    command = decode_command(project_on("linux"), Path("/models/small.gguf"))
    script = "/home/ada lovelace/mistral tui/scripts/steps/prove_llama.py"
    assert command.argv == (VENV_PYTHON["linux"], script, "/models/small.gguf")
    assert command.env == {"GGML_NO_BACKTRACE": "1"}


class Recorder:
    """Plays a machine on which every command works at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
        self.project = project
        self.titles: list[str] = []
        self.fail_at = ""
        self.build = LlamaBuild("0.3.36", "", "", "", "this machine")
        monkeypatch.setattr(Runner, "run", lambda runner, action: self.run(action))
        monkeypatch.setattr(environment, "describe_build", lambda project: self.build)
        monkeypatch.setattr(environment, "ensure_wheel", lambda *_: PurePosixPath("/wheels/llama.whl"))

    def run(self, action: Command | Remove) -> None:
        self.titles.append(action.title)
        if action.title == self.fail_at:
            raise StepFailed(f"{action.title} failed")
        if action.title == "Creating .venv":
            Path(self.project.venv_python).parent.mkdir(parents=True)
            Path(self.project.venv_python).touch()
            (Path(self.project.venv) / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")

    def ensure(self, *extras: str) -> list[str]:
        self.titles.clear()
        ensure(self.project, frozenset(extras))
        return self.titles


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorder:
    return Recorder(monkeypatch, checkout_at(tmp_path / "check out"))


def test_a_fresh_checkout_is_set_up_once(machine: Recorder) -> None:
    everything = ["Creating .venv", "Installing llama.cpp", "Installing mistral-tui with dev", "Loading llama.cpp"]
    assert machine.ensure("dev") == everything
    assert machine.ensure("dev") == []
    assert machine.ensure() == []


def test_another_extra_is_added_to_those_that_are_there(machine: Recorder) -> None:
    machine.ensure("dev")
    assert machine.ensure("torch") == ["Installing mistral-tui with dev,torch"]
    assert installed_extras(machine.project) == {"dev", "torch"}


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", ".venv/pyvenv.cfg"])
def test_a_changed_file_installs_again(machine: Recorder, name: str) -> None:
    machine.ensure("dev")
    with (Path(machine.project.root) / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert machine.ensure("dev") == ["Installing mistral-tui with dev"]


def test_line_ends_are_no_change(machine: Recorder) -> None:
    machine.ensure("dev")
    constraints = Path(machine.project.constraints)
    constraints.write_bytes(constraints.read_bytes().replace(b"\n", b"\r\n"))
    assert machine.ensure("dev") == []


def test_other_settings_of_the_compiler_bring_another_build(machine: Recorder) -> None:
    machine.ensure("dev")
    machine.project = replace(machine.project, env={**machine.project.env, "CMAKE_ARGS": "-DGGML_CUDA=on"})
    machine.build = replace(machine.build, cmake_args="-DGGML_CUDA=on")
    assert machine.ensure("dev") == [
        "Installing llama.cpp",
        "Installing mistral-tui with dev",
        "Loading llama.cpp",
    ]


def test_what_failed_is_done_again(machine: Recorder) -> None:
    machine.fail_at = "Installing mistral-tui with dev"
    with pytest.raises(StepFailed):
        machine.ensure("dev")
    machine.fail_at = ""
    assert machine.ensure("dev")[-2:] == ["Installing mistral-tui with dev", "Loading llama.cpp"]


def test_a_build_that_does_not_work_here_leaves_the_cache(
    machine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forgotten: list[LlamaBuild] = []
    monkeypatch.setattr(environment, "forget_wheel", lambda project, build: forgotten.append(build))
    machine.fail_at = "Loading llama.cpp"
    with pytest.raises(StepFailed):
        machine.ensure("dev")
    assert forgotten == [machine.build]
    assert "does not work here" in capsys.readouterr().out


def test_a_build_that_crashes_with_a_model_is_kept_and_told(
    machine: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "STARTER_BYTES", 4)
    model = Path(machine.project.root) / ".models" / environment.STARTER_FILE
    model.parent.mkdir()
    model.write_bytes(b"GGUF")
    machine.fail_at = "Trying llama.cpp with a model"
    assert machine.ensure()[-1] == machine.fail_at
    assert "loaded in a slower way" in capsys.readouterr().out
    assert machine.ensure() == []


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"inputs": "x"})])
def test_a_damaged_stamp_counts_as_none(machine: Recorder, content: str) -> None:
    machine.ensure("dev")
    (stamp,) = Path(machine.project.venv).glob("*stamp.json")
    stamp.write_text(content, encoding="utf-8")
    assert "Installing mistral-tui with dev" in machine.ensure("dev")


def test_the_folder_is_part_of_the_digest(machine: Recorder, tmp_path: Path) -> None:
    machine.ensure("dev")
    before = digest_of_inputs(machine.project)
    moved = Path(machine.project.root).rename(tmp_path / "moved")
    assert digest_of_inputs(replace(machine.project, root=moved)) != before
