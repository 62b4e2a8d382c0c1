"""Who may answer a prompt beside others: the models that are here, and the chat's model with other settings."""

import asyncio
from typing import Final

import msgspec

from mistral_tui.chat.compare import Contestant
from mistral_tui.chat.live import LiveChat
from mistral_tui.config.presets import read_presets
from mistral_tui.tui.environment import Environment
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.requests import SamplingParams

_TEMPERATURES: Final = (0.0, 0.5, 1.0, 1.5)


async def candidates(environment: Environment, chat: LiveChat) -> tuple[Contestant, ...]:
    """Return who may answer a chat, its own model first, then others, then its own with other settings."""
    own = environment.workspace.entry_of(chat)
    others = await asyncio.to_thread(_others, environment, own)
    request = chat.request
    # The LoRAs of a chat are those of its model.
    plain = msgspec.structs.replace(request, adapters=None)
    found = [Contestant(own.name, own, request)] if own is not None else []
    found += [Contestant(entry.name, entry, plain) for entry in others]
    if own is None:
        return tuple(found)
    for name, sampling in await asyncio.to_thread(_presets, environment, request.sampling):
        found.append(Contestant(f"preset {name}", own, msgspec.structs.replace(request, sampling=sampling)))
    for temperature in _TEMPERATURES:
        sampling = msgspec.structs.replace(request.sampling, temperature=temperature)
        found.append(
            Contestant(f"temperature {temperature:g}", own, msgspec.structs.replace(request, sampling=sampling))
        )
    for thinks, name in ((True, "thinking"), (False, "not thinking")):
        found.append(Contestant(name, own, msgspec.structs.replace(request, enable_thinking=thinks)))
    return tuple(found)


def with_settings(contestant: Contestant) -> bool:
    """Whether it is the chat's model with other settings."""
    return contestant.name != contestant.entry.name


def _others(environment: Environment, own: ModelEntry | None) -> list[ModelEntry]:
    """Return the models that could answer now, besides the chat's own. Blocks."""
    catalog = environment.workspace.catalog
    if catalog is None:
        return []
    found = [
        each.entry
        for each in catalog().scan(read=False).entries
        if each.availability() in ("on disk", "remote") and "text" in each.modalities
    ]
    # The chat's own may have been named by another path.
    file = None if own is None or own.format == "remote" else own.path.resolve()
    return [entry for entry in found if entry != own and (entry.format == "remote" or entry.path.resolve() != file)]


def _presets(environment: Environment, sampling: SamplingParams) -> list[tuple[str, SamplingParams]]:
    found = []
    for preset in read_presets(environment.paths.presets)[0]:
        try:
            found.append((preset.name, msgspec.structs.replace(sampling, **preset.parameters)))
        except InvalidRequest:
            continue  # the choice of presets says what is wrong with it
    return found
