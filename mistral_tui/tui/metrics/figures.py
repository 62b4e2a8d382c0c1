"""What the panel shows, gathered."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel
from mistral_tui.types.pool import HeldModel

REPLIES = 24
"""How many of the last replies the curves show."""


@dataclass(frozen=True)
class Metrics:
    """The figures of one chat and of the models that are loaded."""

    usages: tuple[Usage, ...] = ()
    """Those of the last replies of the chat, oldest first."""
    models: tuple[HeldModel, ...] = ()
    model: LoadedModel | None = None
    """What the engine knows of the chat's model; `None`: it is not loaded."""
    screen_bytes: int | None = None
    """What this program takes of the memory; `None`: it is not known."""
    worker_bytes: int | None = None
    """What the workers of all models take of it."""
    in_cache: int = 0
    """Tokens of the chat that the KV cache of its model has; 0 also where another model wrote the last reply."""
    queued: int = 0
    """How many prompts of the chat wait."""

    @property
    def last(self) -> Usage:
        """The figures of the last reply."""
        return self.usages[-1] if self.usages else Usage()

    @property
    def rates(self) -> Sequence[float]:
        """Tokens a second of the last replies."""
        return [usage.decode_rate for usage in self.usages]


async def gather(workspace: Workspace, chat: LiveChat) -> Metrics:
    """Return the figures as they are now; nothing is loaded for it."""
    replies = [message for message in chat.conversation.path() if message.usage is not None]
    usages = [message.usage for message in replies if message.usage is not None]
    models = await workspace.loaded_models()
    entry = workspace.entry_of(chat)
    engine = workspace.loaded_engine(chat)
    # An engine stays known when its model is unloaded.
    held = engine is not None and entry is not None and any(each.path == str(entry.path) for each in models)
    workers = sorted({each.worker for each in models if each.worker is not None})
    screen, working = await asyncio.to_thread(lambda: (_resident([os.getpid()]), _resident(workers)))
    model = engine.model if engine is not None and held else None
    own = model is not None and bool(replies) and replies[-1].model == model.name
    in_cache = usages[-1].context_tokens if own else 0
    return Metrics(tuple(usages[-REPLIES:]), models, model, screen, working, in_cache, len(chat.queued))


def _resident(pids: Sequence[int]) -> int | None:
    import psutil

    sizes: list[int] = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):  # it has just ended
            sizes.append(psutil.Process(pid).memory_info().rss)
    return sum(sizes) if sizes else None
