"""Says what a machine has of what the build needs, and what to do about what is missing."""

import importlib.util
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.steps.llama_wheel import AMX_OFF, accepts, cached_wheel, describe_build, find_compiler
from scripts.steps.project import Project

_GB = 1_000_000_000
_NEEDED_GB = 3
"""Room for the build of llama.cpp, `.venv` with the tools of development, and the starter model."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    found: str
    advice: str = ""
    """What to do; empty when all is well."""
    required: bool = True


def check_environment(project: Project) -> int:
    """Print the findings.

    Returns:
        0 if everything that is required is there, otherwise 1.
    """
    findings = list(look_around(project))
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "ok" if not finding.advice else "missing" if finding.required else "note"
        advice = f" - {finding.advice}" if finding.advice else ""
        print(f"{mark:<8} {finding.name:<{width}}  {finding.found}{advice}")
    return int(any(finding.advice and finding.required for finding in findings))


def look_around(project: Project) -> Iterator[Finding]:
    """Yield what is there and what is not."""
    yield Finding("system", f"{platform.platform()}, {project.machine}, {project.cores} cores")
    yield Finding("Python", f"{platform.python_version()} at {sys.executable}")
    yield _venv_support()
    yield from _compiler(project)
    yield _program("cmake", project, "pip fetches one for the build if it can; else install cmake", required=False)
    yield _program("make", project, "not needed: python scripts/build.py STEP does the same", required=False)
    yield _program("git", project, "needed only to work on the program itself", required=False)
    yield _program("tmux", project, "some tests are left out without it", required=False)
    yield _llama(project)
    yield _room(project)


def _venv_support() -> Finding:
    has_one = any(importlib.util.find_spec(name) for name in ("ensurepip", "pip"))
    if has_one and importlib.util.find_spec("venv"):
        return Finding("venv", "there")
    return Finding("venv", "not there", "on Debian and Ubuntu: apt install python3-venv")


def _compiler(project: Project) -> Iterator[Finding]:
    if project.platform == "windows":
        yield Finding("C++ compiler", "a build looks for Visual Studio (Build Tools with the C++ workload)")
        return
    compiler = find_compiler(project)
    if compiler is None:
        how = "xcode-select --install" if project.platform == "macos" else "on Debian and Ubuntu: apt install g++"
        yield Finding("C++ compiler", "not there", how)
        return
    yield Finding("C++ compiler", compiler)
    if project.machine.lower() in ("x86_64", "amd64"):
        answer = "switched off in builds" if accepts(compiler, AMX_OFF) else "the compiler knows no such flags"
        yield Finding("AMX", answer)


def _program(name: str, project: Project, advice: str, required: bool) -> Finding:
    found = shutil.which(name, path=project.env.get("PATH"))
    return Finding(name, found or "not there", "" if found else advice, required)


def _llama(project: Project) -> Finding:
    if wheel := cached_wheel(project, describe_build(project)):
        return Finding("llama.cpp", f"built: {wheel}")
    return Finding("llama.cpp", f"will be built once and kept in {project.wheel_cache}")


def _room(project: Project) -> Finding:
    free = shutil.disk_usage(Path(project.root)).free / _GB
    advice = "" if free >= _NEEDED_GB else f"about {_NEEDED_GB} GB are needed"
    return Finding("disk", f"{free:.1f} GB free", advice)
