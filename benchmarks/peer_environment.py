"""Environments of their own for the programs that this one is compared with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.real_models import FOLDER


def folder_of(package: str, version: str) -> Path | None:
    """Return the folder with the programs of an environment that has this package, made if there is none.

    Returns:
        `None`: the package cannot be had here, which is printed.
    """
    environment = FOLDER.parent / f"{package}-{version}"
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    finished = environment / "complete"
    if finished.exists():
        return programs
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    install = [
        str(programs / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--only-binary",
        ":all:",
        f"{package}=={version}",
    ]
    if subprocess.run(install, stdin=subprocess.DEVNULL, check=False).returncode:
        print(f"  {package} {version} cannot be installed here; its figures are left out")
        return None
    finished.touch()
    return programs
