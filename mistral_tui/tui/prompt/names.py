"""The names that may follow a command: of models, presets and prompt templates."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from mistral_tui.chat.prompt_templates import prompt_templates
from mistral_tui.config.presets import read_presets
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.models.matching import match
from mistral_tui.tui.prompt.completion import Choice
from mistral_tui.tui.prompt.words import Word


class CommandNames:
    """Knows what may follow a command, as it is when the person begins to type it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._sources: Mapping[str, Callable[[], Awaitable[list[Choice]]]] = {
            "models": self._models,
            "preset": self._presets,
            "prompt": self._templates,
        }
        self._command = ""
        self._known: Sequence[Choice] = ()

    def forget(self) -> None:
        """No such command is being typed any more."""
        self._command = ""

    async def like(self, word: Word) -> list[Choice]:
        """Return the names that what is typed may become, the best first; nothing once it is one of them."""
        if word.command != self._command:
            self._known = await self._sources[word.command]()
            self._command = word.command
        if any(choice.text == word.query for choice in self._known):
            return []
        found = [(each, match(word.query, choice.text, choice.detail)) for each, choice in enumerate(self._known)]
        ranked = sorted((-how[0], each) for each, how in found if how is not None)
        return [self._known[each] for _, each in ranked]

    async def _models(self) -> list[Choice]:
        from mistral_tui.tui.models.rows import state_of  # the list of models draws a lot

        shelf = await self._environment.library.look()
        usable = sorted(
            (each for each in shelf.listing.entries if each.problem is None),
            key=lambda each: each.availability() == "not downloaded",
        )
        return [Choice(each.name, state_of(each, shelf)) for each in usable]

    async def _presets(self) -> list[Choice]:
        presets, _ = await asyncio.to_thread(read_presets, self._environment.paths.presets)
        return [Choice(each.name, ", ".join(each.parameters)) for each in presets]

    async def _templates(self) -> list[Choice]:
        templates, _ = await asyncio.to_thread(prompt_templates, self._environment.paths.prompts)
        return [Choice(each.name, each.title if each.title != each.name else "") for each in templates]
