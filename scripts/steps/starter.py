"""Whether there is a model to open the interface on, and which one to fetch if there is none."""

import json
import subprocess
from pathlib import Path
from typing import Any

from scripts.steps.project import Project

_LEAVES_NO_QUESTION = ("-m", "--model", "--inventory", "gguf")
"""Words after which the interface knows better which model is meant, and says what is wrong with it."""


def starter_to_fetch(project: Project) -> str | None:
    """Return the name of the starter model, or `None` if it is not needed: a model is there, or one was named."""
    words = {word.partition("=")[0] for word in project.extra_arguments}
    if words.intersection(_LEAVES_NO_QUESTION) or _is_in_the_checkout(project):
        return None
    models = _models_that_the_program_knows(project)
    if any(model.get("state") == "on disk" and model.get("format") == "gguf" for model in models):
        return None
    return next((str(model["name"]) for model in models if str(model.get("source")).startswith("pypi:")), None)


def _is_in_the_checkout(project: Project) -> bool:
    """Look for a model of the checkout's inventory on disk: the usual case, which need not wait for the program."""
    if project.env.get("MISTRAL_TUI_INVENTORY"):
        return False
    inventory = Path(project.root) / "MODEL_INVENTORY.json"
    try:
        entries = json.loads(inventory.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    paths = [entry.get("path") for entry in _objects(entries)]
    return any(
        isinstance(path, str) and path.endswith(".gguf") and (inventory.parent / path).is_file() for path in paths
    )


def _models_that_the_program_knows(project: Project) -> list[dict[str, Any]]:
    """Ask the program, which also knows the models that the person has added; none if it fails, as it will again."""
    argv = (str(project.venv_python), "-m", "mistral_tui", "models", "list", "--json")
    done = subprocess.run(
        argv,
        cwd=str(project.root),
        env=dict(project.env),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    try:
        return _objects(json.loads(done.stdout))
    except ValueError:
        return []


def _objects(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
