"""Where the data files lie that ship with the program: the inventory, themes and chat templates.

In a checkout (and so in an editable install) they lie beside the package; a wheel carries them inside it, under
`mistral_tui/data/`. This file is the only one that knows.
"""

from pathlib import Path

from mistral_tui.types.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent.parent


def data_file(name: str) -> Path:
    """Return the path of a shipped file or folder, such as `MODEL_INVENTORY.json` or `themes`.

    Raises:
        ConfigError: The installation is incomplete.
    """
    packaged = _PACKAGE / "data" / name
    if packaged.exists():
        return packaged
    root = checkout()
    if root is not None and (root / name).exists():
        return root / name
    raise ConfigError(f"{name} is missing from this installation ({_PACKAGE}); install mistral-tui again")


def checkout() -> Path | None:
    """Return the folder of the source tree that the program runs from, or `None` for an installed wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and not (_PACKAGE / "data").exists() else None
