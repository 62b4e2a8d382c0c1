"""The person's settings, as the screen of fields shows and sets them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mistral_tui.config.schema import SCHEMA, in_words, typed
from mistral_tui.config.settings_file import read_settings, variable
from mistral_tui.tui.settings.fields import FieldState


class SettingsFields:
    """All settings of a file."""

    title = "settings"

    def __init__(self, path: Path, on_saved: Callable[[str, Any], str]) -> None:
        """Show the settings of a file.

        Args:
            path: The file; it need not be there.
            on_saved: Told of every setting that is saved, with `None` for the default; returns when it counts.
        """
        self._path = path
        self._on_saved = on_saved

    def all(self) -> list[FieldState]:
        """Return all settings as they are now."""
        read = read_settings(self._path)
        return [
            FieldState(each, in_words(getattr(read.settings, each.name)), read.sources.get(each.name, ""))
            for each in SCHEMA
        ]

    def check(self, name: str, text: str) -> None:
        """Raise `InvalidRequest` if a setting cannot have this value."""
        typed(name, text)

    async def save(self, name: str, text: str) -> str:
        """Write a setting into the file."""
        from mistral_tui.config.settings_edits import save_setting

        value = typed(name, text) if text else None
        await asyncio.to_thread(save_setting, self._path, name, value)
        now = read_settings(self._path)
        if now.sources.get(name) == "environment":
            return f"saved, but {variable(name)} goes over it"
        counts = self._on_saved(name, getattr(now.settings, name))
        return f"{name}: {'saved' if text else 'the default again'}; {counts}"
