"""Letting a preset count for a chat."""

from typing import Any

import msgspec

from mistral_tui.chat.live import LiveChat
from mistral_tui.config.presets import Preset
from mistral_tui.types.requests import SamplingParams


def use_preset(chat: LiveChat, preset: Preset, usual: SamplingParams) -> None:
    """Answer a chat as a preset says, from its next turn on; its model is not changed.

    Args:
        chat: The chat.
        preset: What counts.
        usual: What counts for parameters that the preset leaves open.
    """
    values: dict[str, Any] = msgspec.structs.asdict(usual)
    chat.settings.use_sampling(SamplingParams(**{**values, **preset.parameters}))
    if preset.system_prompt is not None:
        chat.settings.use_system_prompt(preset.system_prompt)
