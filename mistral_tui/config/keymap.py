"""The person's own keys, as the file says them; which actions and keys there are is known to the interface.

`help = ["f1", "ctrl+x"]` names an action by its id, and all its keys; `[]` is none. Where several owners have an
action of this id, it stands in the table of its owner, such as `[prompt]`.
"""

from pathlib import Path
from typing import NamedTuple

from mistral_tui.config.toml_files import read_toml
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.text import printable_line


class KeymapEntry(NamedTuple):
    """One line of the file."""

    action: str
    owner: str
    """Empty: the only one that has such an action."""
    keys: tuple[str, ...]
    place: str
    """File, line and key, for complaints."""


def read_keymap(path: Path) -> tuple[tuple[KeymapEntry, ...], tuple[str, ...]]:
    """Return what the file says, and one line for each thing in it that makes no sense; without a file: nothing."""
    try:
        file = read_toml(path)
    except ConfigError as error:
        return (), (f"{error}; all keys are as usual",)
    entries: list[KeymapEntry] = []
    notices: list[str] = []

    def take(action: str, owner: str, value: object) -> None:
        place = printable_line(file.place(action, owner))
        keys = [value] if isinstance(value, str) else value
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            entries.append(KeymapEntry(action, owner, tuple(key.strip() for key in keys), place))
        else:
            notices.append(f'{place}: it must be a list of keys, such as ["ctrl+x"]; it is ignored')

    for name, value in file.table.items():
        if isinstance(value, dict):
            for action, keys in value.items():
                take(action, name, keys)
        else:
            take(name, "", value)
    return tuple(entries), tuple(notices)
