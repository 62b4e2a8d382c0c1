"""Finding out which way of loading a model is fastest here, in a child process that can be stopped."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from mistral_tui.engines.jobs.child_job import run_job
from mistral_tui.engines.jobs.tuned import Tuned
from mistral_tui.engines.preflight import check_content, check_file
from mistral_tui.types.errors import EngineError
from mistral_tui.types.models import LoadOptions, ModelEntry

Profile = Literal["quality", "balanced", "fast"]
"""Whether a less precise KV cache is not even measured, measured, or taken if it is faster."""
_CHILD: Final = "mistral_tui.engines.gguf.tuning"


class Trial(msgspec.Struct, frozen=True):
    """One setting, and how fast it is."""

    setting: str
    """`threads`, `flash attention`, `batch` or `KV cache`."""
    value: str
    prompt_rate: float
    """Tokens a second."""
    reply_rate: float
    chosen: bool


class TuningStep(msgspec.Struct, frozen=True):
    """What is measured now."""

    doing: str
    fraction: float


class TuningJob(msgspec.Struct, frozen=True):
    """What the child is asked."""

    path: str
    name: str
    options: LoadOptions
    profile: Profile


class Tuning(msgspec.Struct, frozen=True):
    """All that was measured, and what came of it."""

    trials: tuple[Trial, ...]
    tuned: Tuned
    device: str
    unsaved: str | None = None
    """Why the choice could not be kept."""


async def tune(
    entry: ModelEntry, options: LoadOptions, profile: Profile, on_step: Callable[[TuningStep], None]
) -> Tuning:
    """Measure a model for a minute at most, keep the choice for later loads, and return it.

    Args:
        entry: The model.
        options: How it is loaded; what they fix is not measured.
        profile: What may be chosen.
        on_step: Called on the event loop.

    Raises:
        ModelError: The model cannot be used, or does not fit.
        EngineError: The measurement failed.
    """
    check_file(entry)
    check_content(entry, options)
    found: list[Tuning] = []

    def hear(message: dict[str, object]) -> None:
        if "doing" in message:
            on_step(msgspec.convert(message, TuningStep))
        else:
            found.append(msgspec.convert(message, Tuning))

    job = msgspec.to_builtins(TuningJob(str(entry.path), entry.name, options, profile))
    reason = await run_job(_CHILD, job, hear)
    if reason is not None or not found:
        raise EngineError(f"{entry.name} cannot be measured: {reason or 'the measurement ended without a result'}")
    return found[0]
