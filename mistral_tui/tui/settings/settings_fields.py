"""The person's settings, as the screen of fields shows and sets them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mistral_tui.config.schema import SCHEMA, in_words, typed
from mistral_tui.config.setting import Setting
from mistral_tui.config.settings_file import read_settings, variable
from mistral_tui.tui.settings.endpoint_fields import GROUP, EndpointFields, Test, key_words
from mistral_tui.tui.settings.fields import FieldState
from mistral_tui.types.endpoints import Endpoint


class SettingsFields:
    """All settings of a file."""

    title = "settings"

    def __init__(self, path: Path, on_saved: Callable[[str, Any], str], test: Test) -> None:
        """Show the settings of a file.

        Args:
            path: The file; it need not be there.
            on_saved: Told of every setting that is saved, with `None` for the default; returns when it counts.
            test: Asks a server elsewhere for its models.
        """
        self._path = path
        self._on_saved = on_saved
        self._test = test

    def all(self) -> list[FieldState]:
        """Return all settings as they are now."""
        read = read_settings(self._path)
        rows = [
            FieldState(each, in_words(getattr(read.settings, each.name)), read.sources.get(each.name, ""))
            for each in SCHEMA
        ]
        names = [endpoint.name for endpoint in read.endpoints]
        for endpoint in read.endpoints:
            others = [name for name in names if name != endpoint.name]
            about = "A server that speaks OpenAI's API. Enter shows its values, tests it, and takes it away."
            row = Setting(endpoint.name, GROUP, about, "text", "")
            rows.append(FieldState(row, endpoint.url, key_words(endpoint), self._opening(endpoint, others)))
        about = "A server that speaks OpenAI's API: llama-server, vLLM, SGLang, Ollama, mistral.rs and others."
        new = Setting("add a server", GROUP, about, "text", "enter adds one")
        return [*rows, FieldState(new, "", do=self._opening(None, names))]

    def _opening(self, endpoint: Endpoint | None, others: list[str]) -> Callable[[], Awaitable[EndpointFields]]:
        """Return what shows the values of a server."""

        async def show() -> EndpointFields:
            return EndpointFields(self._path, endpoint, others, self._test, self._on_saved)

        return show

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
