"""What the panel shows, gathered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.workspace import Workspace
from mistral_tui.types.messages import Usage
from mistral_tui.types.pool import HeldModel

REPLIES = 24
"""How many of the last replies the curves show."""


@dataclass(frozen=True)
class Metrics:
    """The figures of one chat and of the models that are loaded."""

    usages: tuple[Usage, ...] = ()
    """Those of the last replies of the chat, oldest first."""
    models: tuple[HeldModel, ...] = ()
    process_bytes: int | None = None
    """What the worker of the chat's model takes of the memory; `None`: it is not known."""
    answering: int = 0
    """How many models are answering."""

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
    usages = [message.usage for message in chat.conversation.path() if message.usage is not None]
    models = await workspace.loaded_models()
    entry = workspace.entry_of(chat)
    worker = next((each.worker for each in models if entry is not None and each.path == str(entry.path)), None)
    memory = None if worker is None else await asyncio.to_thread(_resident, worker)
    answering = sum(each.state == "answering" for each in models)
    return Metrics(tuple(usages[-REPLIES:]), models, memory, answering)


def _resident(pid: int) -> int | None:
    import psutil

    try:
        size: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None
    return size
