"""Where things are in a checkout, on each platform."""

import os
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

PlatformName = Literal["linux", "macos", "windows"]


@dataclass(frozen=True)
class Project:
    """A checkout on a machine. Pure: nothing here looks at the disk, so that tests can play any platform."""

    root: PurePath
    platform: PlatformName
    python: str
    """The Python that runs the script and that `.venv` is made from."""
    machine: str = "x86_64"
    cores: int = 2
    env: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    """What follows the step on the command line."""

    @classmethod
    def here(cls, arguments: tuple[str, ...] = ()) -> "Project":
        """Return the checkout that this file lies in, on the machine that runs it."""
        names: dict[str, PlatformName] = {"win32": "windows", "darwin": "macos"}
        return cls(
            root=Path(__file__).resolve().parents[2],
            platform=names.get(sys.platform, "linux"),
            python=sys.executable,
            machine=platform.machine(),
            cores=os.cpu_count() or 1,
            env=dict(os.environ),
            arguments=arguments,
        )

    @property
    def venv(self) -> PurePath:
        return self.root / ".venv"

    @property
    def venv_python(self) -> PurePath:
        return self.venv / ("Scripts/python.exe" if self.platform == "windows" else "bin/python")

    def script(self, name: str) -> PurePath:
        """Return a program that is installed in `.venv`."""
        return self.venv / (f"Scripts/{name}.exe" if self.platform == "windows" else f"bin/{name}")

    @property
    def logs(self) -> PurePath:
        return self.root / ".logs"

    @property
    def constraints(self) -> PurePath:
        return self.root / "constraints.txt"

    @property
    def extra_arguments(self) -> tuple[str, ...]:
        """What the person adds to a step, as words: `ARGS="…"` of make and what follows the step itself."""
        given = self.env.get("ARGS", "")
        if self.platform == "windows":
            # Not POSIX rules: a backslash is part of a path here.
            words = [word.strip('"') for word in shlex.split(given, posix=False)]
        else:
            words = shlex.split(given)
        return (*words, *self.arguments)

    @property
    def wheel_cache(self) -> PurePath:
        """Where our builds of llama.cpp are kept, outside the checkout so that a fresh clone finds them."""
        if given := self.env.get("MISTRAL_TUI_WHEEL_CACHE"):
            return self._path(given)
        return self.cache / "wheels"

    @property
    def cache(self) -> PurePath:
        """The platform's folder for caches of this program."""
        home = self.env.get("USERPROFILE" if self.platform == "windows" else "HOME", "~")
        if self.platform == "windows":
            return self._path(self.env.get("LOCALAPPDATA") or f"{home}/AppData/Local") / "mistral-tui" / "Cache"
        if self.platform == "macos":
            return self._path(home) / "Library" / "Caches" / "mistral-tui"
        return self._path(self.env.get("XDG_CACHE_HOME") or f"{home}/.cache") / "mistral-tui"

    def _path(self, text: str) -> PurePath:
        return type(self.root)(text)
