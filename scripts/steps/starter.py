"""Whether there is a model to open the interface on, and which one to fetch if there is none."""

import json
import subprocess
from pathlib import Path
from typing import Any

from scripts.steps.project import Project

_NAMES_A_MODEL = {"-m", "--model", "gguf"}


def starter_to_fetch(project: Project) -> str | None:
    """Return the name of the starter model, or `None` if it is not needed: a model is there, or one was named."""
    if _NAMES_A_MODEL & set(project.extra_arguments):
        return None
    inventory = Path(project.root) / "MODEL_INVENTORY.json"
    entries = read_inventory(inventory)
    if any(_is_on_disk(entry, inventory.parent) for entry in entries) or _program_has_one(project):
        return None
    return next((str(entry["name"]) for entry in entries if str(entry.get("source")).startswith("pypi:")), None)


def read_inventory(path: Path) -> list[dict[str, Any]]:
    """Return the entries of an inventory; none if it is damaged, which the program itself tells better."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return []
    if not isinstance(content, list):
        return []
    return [entry for entry in content if isinstance(entry, dict) and "name" in entry]


def _is_on_disk(entry: dict[str, Any], folder: Path) -> bool:
    path = entry.get("path")
    return isinstance(path, str) and path.endswith(".gguf") and (folder / path).is_file()


def _program_has_one(project: Project) -> bool:
    """Ask the program, which also knows the models that the person has added."""
    argv = (str(project.venv_python), "-m", "mistral_tui", "models", "list", "--json")
    done = subprocess.run(argv, cwd=str(project.root), capture_output=True, stdin=subprocess.DEVNULL, check=False)
    try:
        models = json.loads(done.stdout)
    except ValueError:
        return False
    return isinstance(models, list) and any(isinstance(model, dict) and model.get("downloaded") for model in models)
