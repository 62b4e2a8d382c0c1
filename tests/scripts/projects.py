"""Checkouts on three platforms, none of which needs to exist."""

from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from scripts.steps.project import PlatformName, Project

_HOMES: dict[PlatformName, tuple[PurePath, str, dict[str, str]]] = {
    "linux": (PurePosixPath("/home/ada lovelace/mistral tui"), "/usr/bin/python3", {"HOME": "/home/ada lovelace"}),
    "macos": (PurePosixPath("/Users/ada lovelace/mistral tui"), "/usr/bin/python3", {"HOME": "/Users/ada lovelace"}),
    "windows": (
        PureWindowsPath(r"C:\Users\ada lovelace\mistral tui"),
        r"C:\Program Files\Python311\python.exe",
        {"USERPROFILE": r"C:\Users\ada lovelace", "LOCALAPPDATA": r"C:\Users\ada lovelace\AppData\Local"},
    ),
}


def project_on(platform: PlatformName, env: dict[str, str] | None = None, arguments: tuple[str, ...] = ()) -> Project:
    """A checkout in a folder with spaces in its name."""
    root, python, home = _HOMES[platform]
    return Project(
        root=root, platform=platform, python=python, cores=4, env={**home, **(env or {})}, arguments=arguments
    )


def checkout_at(root: Path, env: dict[str, str] | None = None) -> Project:
    """A small checkout on the disk of the machine that runs the test."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["rich>=14", "llama-cpp-python==0.3.36"]\n', encoding="utf-8"
    )
    (root / "constraints.txt").write_text("rich==15.0.0\nllama-cpp-python==0.3.36\n", encoding="utf-8")
    here = Project.here()
    return replace(here, root=root, env={**here.env, **(env or {})})
