"""Which chat template a model is loaded with, where it is not to be its own."""

import asyncio
import contextlib
from pathlib import Path

from mistral_tui.chat.store_thread import StoreThread
from mistral_tui.config.paths import Paths
from mistral_tui.models.template_files import template_text
from mistral_tui.types.errors import StoreError
from mistral_tui.types.models import ModelEntry

STORE_LIMIT = 1.0
"""Most seconds that the store may hold up a load."""


class TemplateChoice:
    """The templates that were chosen for models: what a person chose, now or in an earlier run, then the inventory.

    Args:
        store: Where choices are remembered; `None`: until the program ends.
    """

    def __init__(self, store: StoreThread | None) -> None:
        self._store = store
        self._chosen: dict[Path, str | None] = {}

    async def of(self, entry: ModelEntry) -> str | None:
        """Return the Jinja text for a model; `None`: its own.

        Raises:
            ConfigError: There is no template of the name that the inventory gives, or its file cannot be read.
        """
        if self._store is not None and entry.path not in self._chosen:
            # A store that cannot be read is asked again before the next turn.
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(STORE_LIMIT):
                    remembered = await self._store.run(self._store.store.chat_template, entry.path)
                self._chosen.setdefault(entry.path, remembered)
        if chosen := self._chosen.get(entry.path):
            return chosen
        if entry.chat_template:
            return await asyncio.to_thread(template_text, entry.chat_template, Paths.resolve().chat_templates)
        return None

    async def choose(self, entry: ModelEntry, template: str) -> None:
        """Use a template for a model, now and in later runs.

        Raises:
            StoreError: It is used now, but cannot be remembered.
        """
        self._chosen[entry.path] = template
        if self._store is not None:
            await self._store.run(self._store.store.remember_chat_template, entry, template)
