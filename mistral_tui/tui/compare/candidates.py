"""Who may answer a prompt beside others: the models that are here, presets, the chat's model with other settings."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from mistral_tui.chat.compare import Contestant
from mistral_tui.chat.live import LiveChat
from mistral_tui.config.presets import Preset, read_presets
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.models.loading import describe
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams

_TEMPERATURES: Final = (0.0, 0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Candidate:
    """One who may be asked."""

    name: str
    group: str
    """Under which heading it stands."""
    about: str
    """What is said of it beside its name."""
    contestant: Contestant | None
    """`None`: it cannot answer; what is said of it says why."""


async def candidates(environment: Environment, chat: LiveChat) -> tuple[Candidate, ...]:
    """Return who may answer a chat: its own model first, then others, presets, and its own with other settings."""
    own = environment.workspace.entry_of(chat)
    others, presets = await asyncio.to_thread(lambda: (_others(environment, own), _presets(environment)))
    # The LoRAs of a chat are those of its model.
    plain = msgspec.structs.replace(chat.request, adapters=None)
    found = [] if own is None else [_model(own, chat.request)]
    found += [_model(entry, plain) for entry in others]
    for preset in presets:
        found.append(_preset(preset, own, others, chat.request, environment.workspace.request.sampling))
    if own is not None:
        for name, request in _variants(chat.request):
            found.append(Candidate(name, f"settings of {own.name}", "", Contestant(name, own, request)))
    return tuple(found)


def _model(entry: ModelEntry, request: GenerateRequest) -> Candidate:
    return Candidate(entry.name, "models", describe(entry), Contestant(entry.name, entry, request))


def _preset(
    preset: Preset,
    own: ModelEntry | None,
    others: Iterable[ModelEntry],
    request: GenerateRequest,
    usual: SamplingParams,
) -> Candidate:
    """Return a preset with its model and its system prompt; one without a model is for the chat's own."""
    wanted = preset.model or (own.name if own is not None else "")
    entry = own if own is not None and own.name == wanted else next((e for e in others if e.name == wanted), None)
    prompt = f"“{preset.system_prompt}”" if preset.system_prompt else ""
    about = " · ".join(filter(None, [preset.model, prompt]))
    name = f"preset {preset.name}"
    if entry is None:
        return Candidate(name, "presets", f"{wanted or 'its model'} is not here", None)
    try:
        sampling = SamplingParams(**{**msgspec.structs.asdict(usual), **preset.parameters})
    except InvalidRequest as error:
        return Candidate(name, "presets", str(error), None)
    asked = msgspec.structs.replace(request, sampling=sampling, adapters=request.adapters if entry is own else None)
    return Candidate(name, "presets", about, Contestant(name, entry, asked, preset.system_prompt))


def _variants(request: GenerateRequest) -> list[tuple[str, GenerateRequest]]:
    """Return what a model can be asked for otherwise than a chat does, and how that is called."""
    found = []
    for temperature in _TEMPERATURES:
        sampling = msgspec.structs.replace(request.sampling, temperature=temperature)
        found.append((f"temperature {temperature:g}", msgspec.structs.replace(request, sampling=sampling)))
    for thinks, name in ((True, "thinking"), (False, "not thinking")):
        found.append((name, msgspec.structs.replace(request, enable_thinking=thinks)))
    return found


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


def _presets(environment: Environment) -> tuple[Preset, ...]:
    """Return the presets of the person; the choice of presets says what is wrong with their file. Blocks."""
    return read_presets(environment.paths.presets)[0]
