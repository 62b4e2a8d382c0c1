"""The `.venv` of the checkout: made once, brought up to date when what it depends on changes."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.steps.commands import PIP_SETTINGS, Command
from scripts.steps.llama_wheel import LlamaBuild, describe_build, ensure_wheel, forget_wheel
from scripts.steps.locks import exclusive
from scripts.steps.project import Project
from scripts.steps.running import Runner, StepFailed

STARTER_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
STARTER_BYTES = 98_362_432

_NO_DEBUGGER = {"GGML_NO_BACKTRACE": "1"}
"""Without this an abort of llama.cpp starts a debugger on the terminal."""

_BUILD_SETTINGS = ("CMAKE_ARGS", "CFLAGS", "CXXFLAGS", "CC", "CXX")


@dataclass(frozen=True)
class Stamp:
    """What `.venv` was made from, written when everything in it was in place."""

    inputs: str = ""
    """Digest of all that an installation depends on; empty while one is under way."""
    extras: tuple[str, ...] = ()
    llama: str = ""
    """Key of the llama.cpp build that is installed."""


def installed_extras(project: Project) -> frozenset[str]:
    """Return the extras that `.venv` was given."""
    return frozenset(_read_stamp(project).extras)


def ensure(project: Project, extras: frozenset[str]) -> None:
    """Make `.venv` hold the program with at least these extras; returns at once when it does.

    Raises:
        StepFailed: Something could not be made or installed.
    """
    if _is_ready(project, extras):
        return
    runner = Runner(project, "setup")
    with exclusive(Path(project.logs) / "setup.lock", lambda: runner.say("  Another set-up is running; waiting …")):
        if not _is_ready(project, extras):
            _set_up(project, extras, runner)


def _is_ready(project: Project, extras: frozenset[str]) -> bool:
    stamp = _read_stamp(project)
    ready = Path(project.venv_python).exists() and extras <= set(stamp.extras)
    return ready and stamp.inputs == digest_of_inputs(project)


def _set_up(project: Project, extras: frozenset[str], runner: Runner) -> None:
    runner.say("Setting up .venv")
    if not Path(project.venv_python).exists():
        for command in create_commands(project, has_ensurepip=_can_import("ensurepip"), has_pip=_can_import("pip")):
            runner.run(command)
    old = _read_stamp(project)
    wanted = extras | set(old.extras)
    _write_stamp(project, Stamp("", old.extras, old.llama))
    build = describe_build(project)
    if old.llama != build.key:
        wheel = ensure_wheel(project, build, runner)
        runner.run(install_wheel_command(project, wheel))
    runner.run(install_command(project, wanted))
    if old.llama != build.key:
        _prove(project, build, runner)
    _write_stamp(project, Stamp(digest_of_inputs(project), tuple(sorted(wanted)), build.key))


def create_commands(project: Project, has_ensurepip: bool, has_pip: bool) -> list[Command]:
    """Return how to make an empty `.venv` with pip in it.

    Raises:
        StepFailed: This Python can make none.
    """
    venv = (project.python, "-m", "venv", "--clear")
    if has_ensurepip:
        return [Command("Creating .venv", (*venv, str(project.venv)))]
    if has_pip:
        # Debian takes ensurepip out of Python; its own pip can install one into the new .venv all the same.
        pip = (project.python, "-m", "pip", "--python", str(project.venv_python), "install", "pip")
        return [
            Command("Creating .venv", (*venv, "--without-pip", str(project.venv))),
            Command("Installing pip into .venv", pip, env=PIP_SETTINGS),
        ]
    raise StepFailed(
        f"{project.python} has neither ensurepip nor pip, so that .venv cannot be made; "
        "on Debian and Ubuntu: apt install python3-venv"
    )


def install_wheel_command(project: Project, wheel: Path) -> Command:
    """Return how to install our build of llama-cpp-python, also over another of the same version."""
    pip = (str(project.venv_python), "-m", "pip", "install", "--no-deps", "--force-reinstall", str(wheel))
    return Command("Installing llama.cpp", pip, env=PIP_SETTINGS)


def install_command(project: Project, extras: Iterable[str]) -> Command:
    """Return how to install the checkout itself with its extras, everything at the pinned versions."""
    names = ",".join(sorted(extras))
    pip = (str(project.venv_python), "-m", "pip", "install", "--constraint", str(project.constraints))
    title = "Installing mistral-tui" + (f" with {names}" if names else "")
    note = "a minute or so" if "torch" not in names else "several minutes"
    return Command(title, (*pip, "--editable", f".[{names}]" if names else "."), env=PIP_SETTINGS, note=note)


def load_command(project: Project) -> Command:
    """Return how to see that the installed llama.cpp can be loaded."""
    return Command("Loading llama.cpp", _proof(project), env=_NO_DEBUGGER)


def decode_command(project: Project, model: Path) -> Command:
    """Return how to see that the installed llama.cpp computes on this processor."""
    return Command("Trying llama.cpp with a model", (*_proof(project), str(model)), env=_NO_DEBUGGER)


def _proof(project: Project) -> tuple[str, ...]:
    return (str(project.venv_python), str(project.root / "scripts" / "steps" / "prove_llama.py"))


def _prove(project: Project, build: LlamaBuild, runner: Runner) -> None:
    try:
        runner.run(load_command(project))
    except StepFailed:
        forget_wheel(project, build)
        runner.say("  This build of llama.cpp does not work here; it was removed from the cache.")
        raise
    for model in _starter_on_disk(project):
        try:
            runner.run(decode_command(project, model))
        except StepFailed as failure:
            runner.say(f"  {failure}")
            runner.say("  llama.cpp crashes as this compiler builds it; models will be loaded in a slower way.")


def _starter_on_disk(project: Project) -> list[Path]:
    folders = (Path(project.root) / ".models", Path(project.cache) / "test-models")
    models = [path for folder in folders for path in folder.glob(f"**/{STARTER_FILE}")]
    return [path for path in models if path.stat().st_size == STARTER_BYTES][:1]


def digest_of_inputs(project: Project) -> str:
    """Return a digest of all that an installation depends on; line ends do not count."""
    root = Path(project.root)
    about_python = Path(project.venv) / "pyvenv.cfg"
    scripts = sorted((root / "scripts").rglob("*.py"))
    digest = hashlib.sha256()
    for path in (root / "pyproject.toml", Path(project.constraints), *scripts, about_python):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    settings = [project.env.get(name, "") for name in _BUILD_SETTINGS]
    digest.update("\n".join([str(root), *settings]).encode())
    return digest.hexdigest()


def _can_import(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def _stamp_file(project: Project) -> Path:
    return Path(project.venv) / "mistral-tui-stamp.json"


def _read_stamp(project: Project) -> Stamp:
    try:
        content = json.loads(_stamp_file(project).read_text(encoding="utf-8"))
        return Stamp(content["inputs"], tuple(content["extras"]), content["llama"])
    except (OSError, ValueError, KeyError, TypeError):
        return Stamp()


def _write_stamp(project: Project, stamp: Stamp) -> None:
    new = _stamp_file(project).with_suffix(".new")
    new.write_text(json.dumps(asdict(stamp)), encoding="utf-8")
    new.replace(_stamp_file(project))
