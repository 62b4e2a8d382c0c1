"""Every dependency is pinned."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.core

ROOT = Path(__file__).parents[2]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonical(name): version for name, version in pairs}


def project() -> dict[str, dict[str, list[str]]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        content: dict[str, dict[str, list[str]]] = tomllib.load(file)["project"]
    return content


def requirement_names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]) for requirement in requirements}


def test_every_dependency_is_pinned() -> None:
    named = [*project()["dependencies"]]
    for requirements in project()["optional-dependencies"].values():
        named += requirements
    assert requirement_names(named) - set(pins()) == set()


def test_what_the_dependencies_need_is_pinned_too() -> None:
    """Of the program and the tools of development; torch brings packages that differ by platform."""
    seen: set[str] = set()
    waiting = [Requirement("mistral-tui[dev]")]
    while waiting:
        requirement = waiting.pop()
        if canonical(requirement.name) in seen:
            continue
        seen.add(canonical(requirement.name))
        extras = requirement.extras or {""}
        for line in importlib.metadata.requires(requirement.name) or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    assert seen - set(pins()) == {"mistral-tui"}
