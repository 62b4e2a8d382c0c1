"""Our own build of llama-cpp-python: how it is compiled, and the cache that keeps it.

pip caches the wheels that it builds without looking at the compiler's flags, so that a broken build would come back
for ever. Here a build is kept by everything that went into it: version, flags, compiler, processor and platform.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

from scripts.steps.commands import PIP_SETTINGS, Command
from scripts.steps.locks import exclusive
from scripts.steps.project import Project
from scripts.steps.running import Runner, StepFailed

PACKAGE = "llama-cpp-python"

AMX_OFF = ("-mno-amx-tile", "-mno-amx-int8", "-mno-amx-bf16")
"""GCC 12 optimises llama.cpp's set-up of AMX away, and the first decode crashes (ggml-org/llama.cpp#20824)."""

_CORE_MINUTES = 8
"""How long a build takes on one core, about."""


@dataclass(frozen=True)
class LlamaBuild:
    """What a wheel is built from; it decides where the wheel is kept."""

    version: str
    cmake_args: str
    c_flags: str
    cxx_flags: str
    machine: str
    """Compiler, processor and platform, as one digest."""

    @classmethod
    def of(cls, project: Project, version: str, amx_off: bool, machine: str) -> "LlamaBuild":
        """Put our settings and the person's own together; the person's come last, and so win."""

        def settings(name: str, *ours: str) -> str:
            return " ".join((*ours, project.env.get(name, ""))).strip()

        flags = AMX_OFF if amx_off else ()
        # RPC is part of every build of ours, so that any installation can share its work with another.
        cmake_args = settings("CMAKE_ARGS", "-DGGML_RPC=on")
        return cls(version, cmake_args, settings("CFLAGS", *flags), settings("CXXFLAGS", *flags), machine)

    @property
    def key(self) -> str:
        """Name of the folder in the cache. The wheel suits every Python (py3-none), so that is not part of it."""
        text = "\n".join((self.version, self.cmake_args, self.c_flags, self.cxx_flags, self.machine))
        return f"{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def describe_build(project: Project) -> LlamaBuild:
    """Look at the compiler, and say what would be built here."""
    compiler = find_compiler(project)
    x86_64 = project.machine.lower() in ("x86_64", "amd64")
    amx_off = compiler is not None and x86_64 and accepts(compiler, AMX_OFF)
    return LlamaBuild.of(project, pinned_version(Path(project.root)), amx_off, _machine(compiler))


def pinned_version(root: Path) -> str:
    """Return the version of llama-cpp-python that the program depends on."""
    with (root / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    (pin,) = (line for line in dependencies if line.startswith(PACKAGE))
    return str(pin).partition("==")[2]


def find_compiler(project: Project) -> str | None:
    """Return the C++ compiler that cmake will take; `None` on Windows, where cmake finds Visual Studio itself."""
    path = project.env.get("PATH")
    if own := project.env.get("CXX"):
        return shutil.which(own, path=path) or own
    if project.platform == "windows":
        return None
    return next((found for name in ("c++", "g++", "clang++") if (found := shutil.which(name, path=path))), None)


def accepts(compiler: str, flags: tuple[str, ...]) -> bool:
    """Whether the compiler compiles a small file with these flags."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "try.cpp"
        source.write_text("int main() { return 0; }\n", encoding="utf-8")
        target = str(source.with_suffix(".o"))
        return _output(compiler, *flags, "-c", str(source), "-o", target) is not None


def _machine(compiler: str | None) -> str:
    parts = [sys.platform, platform.machine(), *platform.libc_ver(), compiler or ""]
    if compiler is None:
        parts.append(platform.processor())
    else:
        # llama.cpp is compiled for the very processor it is built on. The macros that a compiler defines for it
        # name both the compiler's version and the instructions of the processor.
        attempts = ((native, "-dM", "-E", "-x", "c++", os.devnull) for native in ("-march=native", "-mcpu=native"))
        macros = next((found for words in attempts if (found := _output(compiler, *words))), None)
        parts.append(macros or _output(compiler, "--version") or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _output(*argv: str) -> str | None:
    try:
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def build_command(project: Project, build: LlamaBuild, into: PurePath) -> Command:
    """Return the command that compiles the wheel and puts it into the folder `into`."""
    settings = {"CMAKE_ARGS": build.cmake_args, "CFLAGS": build.c_flags, "CXXFLAGS": build.cxx_flags}
    pip = (str(project.venv_python), "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--no-binary", PACKAGE)
    minutes = max(1, round(_CORE_MINUTES / project.cores))
    return Command(
        "Building llama.cpp",
        (*pip, "--wheel-dir", str(into), f"{PACKAGE}=={build.version}"),
        env={**PIP_SETTINGS, **{name: value for name, value in settings.items() if value}},
        note=f"once on this machine, about {minutes} min",
    )


def cached_wheel(project: Project, build: LlamaBuild) -> Path | None:
    """Return the wheel of this build, if it was made before."""
    return next((Path(project.wheel_cache) / build.key).glob("*.whl"), None)


def ensure_wheel(project: Project, build: LlamaBuild, runner: Runner) -> Path:
    """Return the wheel of this build, and build it if there is none; another process that builds it is waited for."""
    if found := cached_wheel(project, build):
        return found
    folder = Path(project.wheel_cache) / build.key
    with exclusive(folder.with_name(f"{build.key}.lock"), _say_waiting(runner)):
        if found := cached_wheel(project, build):
            return found
        _need_compiler(project)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as scratch:
            runner.run(build_command(project, build, Path(scratch)))
            (wheel,) = Path(scratch).glob("*.whl")
            folder.mkdir(exist_ok=True)
            return wheel.replace(folder / wheel.name)


def _say_waiting(runner: Runner) -> Callable[[], None]:
    return lambda: runner.say("  Another process is building llama.cpp; waiting for it …")


def _need_compiler(project: Project) -> None:
    if project.platform != "windows" and find_compiler(project) is None:
        how = "run: xcode-select --install" if project.platform == "macos" else "on Debian: apt install g++ cmake"
        raise StepFailed(f"Building llama.cpp needs a C++ compiler, and none was found; {how}")


def forget_wheel(project: Project, build: LlamaBuild) -> None:
    """Delete a wheel that proved broken, so that the next run builds it anew."""
    shutil.rmtree(Path(project.wheel_cache) / build.key, ignore_errors=True)
