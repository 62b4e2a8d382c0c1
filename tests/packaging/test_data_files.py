"""The inventory, themes and chat templates are found however the program was installed."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.core

ROOT = Path(__file__).parents[2]

ASK = """
import json, mistral_tui
from mistral_tui.config.resources import data_file
names = ["MODEL_INVENTORY.json", "themes", "chat_templates"]
print(json.dumps({"package": mistral_tui.__file__, **{name: str(data_file(name)) for name in names}}))
"""


class Found(NamedTuple):
    """Where an installation finds itself and its data files."""

    package: Path
    inventory: Path
    themes: Path
    chat_templates: Path


def ask(folder: Path, site: Path | None = None) -> Found:
    """Ask an installation where its data files are.

    Args:
        folder: Where it runs.
        site: The folder that it is installed in; `None` for the one that runs the tests.
    """
    env = {**os.environ, "PYTHONPATH": str(site) if site else ""}
    done = subprocess.run([sys.executable, "-c", ASK], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Found(*map(Path, json.loads(done.stdout).values()))
    assert isinstance(json.loads(found.inventory.read_text(encoding="utf-8-sig")), list)
    assert found.themes.is_dir()
    assert [path.name for path in found.chat_templates.glob("*.jinja")]
    return found


def run(*argv: str, cwd: Path) -> None:
    done = subprocess.run([sys.executable, "-m", *argv], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build(kind: str, source: Path, into: Path) -> Path:
    """Build an `sdist` or a `wheel` from a source tree with the tools that are installed."""
    run("build", "--no-isolation", "--skip-dependency-check", f"--{kind}", "--outdir", str(into), str(source), cwd=into)
    (built,) = into.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def install(wheel: Path, site: Path) -> None:
    run(
        "pip", "install", "--no-index", "--no-deps", "--no-compile", "--target", str(site), str(wheel), cwd=wheel.parent
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


def test_an_editable_install_finds_them_in_the_checkout(tmp_path: Path) -> None:
    found = ask(tmp_path)
    assert found.inventory == ROOT / "MODEL_INVENTORY.json"
    assert found.themes == ROOT / "themes"


def test_a_wheel_finds_them_inside_the_package(wheel: Path, tmp_path: Path) -> None:
    install(wheel, tmp_path / "site")
    found = ask(tmp_path, tmp_path / "site")
    assert found.package == tmp_path / "site" / "mistral_tui" / "__init__.py"
    assert found.inventory == tmp_path / "site" / "mistral_tui" / "data" / "MODEL_INVENTORY.json"


def test_a_wheel_built_from_the_sdist_is_the_same(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    (tmp_path / "built").mkdir()
    second = build("wheel", source, tmp_path / "built")
    assert names_in(second) == names_in(wheel)
    install(second, tmp_path / "site")
    assert ask(tmp_path, tmp_path / "site").package.is_relative_to(tmp_path / "site")


def test_a_wheel_carries_the_program_and_nothing_else(wheel: Path) -> None:
    names = names_in(wheel)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"mistral_tui"}
    assert "mistral_tui/py.typed" in names
    assert not [name for name in names if name.endswith((".gguf", ".pyc"))]
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())
