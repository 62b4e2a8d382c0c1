"""Writing the endpoints of the person's settings: the tables `[[endpoints]]`, one value at a time."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistral_tui.config.endpoints import SECTION
from mistral_tui.config.toml_edits import edit_toml
from mistral_tui.types.errors import ConfigError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def add_endpoint(path: Path, values: Mapping[str, Any]) -> None:
    """Add an endpoint behind the others.

    Args:
        path: The settings file.
        values: Of an `Endpoint` that was checked, by the names of its fields.

    Raises:
        ConfigError: The file is damaged, or cannot be written.
    """

    def change(document: "TOMLDocument") -> None:
        import tomlkit

        written_in_a_line = isinstance(document.get(SECTION), tomlkit.items.Array)
        table = tomlkit.inline_table() if written_in_a_line else tomlkit.table()
        table.update(values)
        if SECTION not in document:
            document[SECTION] = tomlkit.aot()
        document[SECTION].append(table)

    edit_toml(path, change)


def change_endpoint(path: Path, name: str, key: str, value: Any) -> None:
    """Give an endpoint another value; `None` takes it out, so that the default counts again.

    Args:
        path: The settings file.
        name: Of the endpoint, as it is in the file.
        key: A field of `Endpoint`.
        value: What was checked before.

    Raises:
        ConfigError: There is no such endpoint any more, or the file is damaged, or cannot be written.
    """

    def change(document: "TOMLDocument") -> None:
        table = document[SECTION][_place(path, document, name)]
        if value is not None:
            table[key] = value
        elif key in table:
            del table[key]

    edit_toml(path, change)


def remove_endpoint(path: Path, name: str) -> None:
    """Take an endpoint out of the file.

    Raises:
        ConfigError: There is no such endpoint any more, or the file is damaged, or cannot be written.
    """

    def change(document: "TOMLDocument") -> None:
        del document[SECTION][_place(path, document, name)]
        if not document[SECTION]:
            del document[SECTION]

    edit_toml(path, change)


def _place(path: Path, document: "TOMLDocument", name: str) -> int:
    tables = document.get(SECTION, [])
    found = next((place for place, table in enumerate(tables) if table.get("name") == name), None)
    if found is None:
        raise ConfigError(f"{path} has no endpoint {name} any more; it was changed elsewhere")
    return found
