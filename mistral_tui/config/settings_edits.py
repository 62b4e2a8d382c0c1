"""Writing the person's settings, one at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistral_tui.config.schema import SCHEMA, checked
from mistral_tui.config.toml_edits import edit_toml

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


_ENDPOINTS = (
    "## Servers elsewhere, as many as you like; they come last, behind all that is set above",
    "",
    "# [[endpoints]]",
    '# name = "lab"',
    '# url = "http://127.0.0.1:8080/v1"',
    '# api_key_env = "LAB_KEY"',
)


def save_setting(path: Path, name: str, value: Any) -> None:
    """Set a setting in the file; `None` takes it out, so that the default counts again.

    Raises:
        InvalidRequest: It cannot have this value.
        ConfigError: The file is damaged, or cannot be written.
    """
    if value is not None:
        value = _plain(checked(name, value))

    def change(document: "TOMLDocument") -> None:
        if value is not None:
            document[name] = value
        elif name in document:
            del document[name]

    edit_toml(path, change)


def commented_settings() -> str:
    """Return a settings file that sets nothing and explains everything."""
    lines = ["# Settings of mistral-tui. Take the # away before what you want to set."]
    for group in dict.fromkeys(each.group for each in SCHEMA):
        lines += ["", f"## {group}"]
        for each in SCHEMA:
            if each.group == group:
                allowed = "" if each.kind == "text" else f" ({each.allowed})"
                lines += ["", f"# {each.meaning}{allowed}; otherwise {each.default}", f"# {each.name} ="]
    return "\n".join([*lines, "", *_ENDPOINTS]) + "\n"


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
