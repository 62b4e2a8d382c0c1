"""The model that is offered where there is none."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mistral_tui.types.models import ModelEntry

FetchStarter = Callable[[Callable[[int, int], None]], Awaitable[ModelEntry]]
"""Fetches the starter model, reporting bytes done and in all; returns its entry, now on disk."""


@dataclass(frozen=True)
class Starter:
    """A small model that can be fetched."""

    entry: ModelEntry
    fetch: FetchStarter
