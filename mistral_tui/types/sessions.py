"""A session: one conversation as it is listed, named and resumed."""

import time
import uuid

import msgspec

from mistral_tui.types.text import printable

TITLE_LENGTH = 60
"""Most characters of a title that is made from a prompt."""


class Session(msgspec.Struct, frozen=True):
    """What is known of a conversation besides its messages."""

    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    title: str = ""
    """One line without control characters; empty until the first prompt."""
    created_at: float = msgspec.field(default_factory=time.time)
    """Seconds since the epoch."""
    updated_at: float = msgspec.field(default_factory=time.time)
    """When its last message was written, in seconds since the epoch."""
    model: str | None = None
    """Name of the model that answered last."""
    system_prompt: str | None = None
    leaf_id: str | None = None
    """The message that the active branch ends with."""
    private: bool = False
    """Kept in memory only, never stored."""


def title_from(text: str) -> str:
    """Return a title for a session whose first prompt is `text`: its first line, cut at a word, harmless to show."""
    for line in printable(text[:10_000]).splitlines():
        if title := " ".join(line.split()):
            return _cut(title)
    return ""


def _cut(line: str) -> str:
    if len(line) <= TITLE_LENGTH:
        return line
    head, _, rest = line[:TITLE_LENGTH].rpartition(" ")
    return (head if len(head) > TITLE_LENGTH // 2 else f"{head} {rest}".strip()[: TITLE_LENGTH - 1]) + "…"
