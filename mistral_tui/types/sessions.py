"""A session: one conversation as it is listed, named and resumed."""

import re
import time
import uuid

import msgspec

from mistral_tui.types.messages import Json
from mistral_tui.types.text import printable, printable_line

TITLE_LENGTH = 60
"""Most characters of a title that is made from a prompt."""
TAG_LENGTH = 30
"""Most characters of a tag."""
MOST_TAGS = 20
"""Most tags of one session."""
MODEL = "model"
"""The setting that names the model that was chosen for a session."""
TOOLS = "tools"
"""The setting that says which tools are offered to the model, as `mistral_tui.types.tools.ToolSettings`."""

_MARKS = re.compile(r"^(?:#{1,6} |[-*>] |```\w*$)+")
_GREETING = re.compile(
    r"(?:hi|hello|hey|hallo|good (?:morning|evening)|bonjour|hola)(?: there| all)?[\s,.!]*", re.IGNORECASE
)


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
    tags: tuple[str, ...] = ()
    """Lower-case words, in alphabetical order."""
    pinned: bool = False
    """Listed before the others."""
    archived: bool = False
    """Not listed among the others, and found all the same."""
    deleted_at: float | None = None
    """When it was deleted; it can be brought back for a while."""
    settings: Json = {}
    """How it is answered, where that was set for it alone: JSON values by the names of the request's fields, the model
    that was chosen, and the tools."""

    @property
    def next_model(self) -> str | None:
        """Name of the model that goes on: the one that was chosen, else the one that answered last."""
        chosen = self.settings.get(MODEL)
        return chosen if isinstance(chosen, str) else self.model


def title_from(text: str) -> str:
    """Return a title for a session whose first prompt is `text`, cut at a word, harmless to show.

    It is the first line that says something: without the marks of Markdown, and no mere greeting where more follows.
    """
    lines = (_MARKS.sub("", " ".join(line.split())) for line in printable(text[:10_000]).splitlines())
    titles = [line for line in lines if line][:20]
    spoken = [line for line in titles if any(map(str.isalnum, line)) and not _GREETING.fullmatch(line)]
    return _cut((spoken or titles or [""])[0])


def tags_from(text: str) -> tuple[str, ...]:
    """Return the tags in what a person typed: words between spaces or commas, with or without `#`."""
    words = printable_line(text[:10_000]).casefold().replace(",", " ").split()
    tags = (word.strip("#")[:TAG_LENGTH] for word in words)
    return tuple(sorted({tag for tag in tags if tag}))[:MOST_TAGS]


def _cut(line: str) -> str:
    if len(line) <= TITLE_LENGTH:
        return line
    head, _, rest = line[:TITLE_LENGTH].rpartition(" ")
    return (head if len(head) > TITLE_LENGTH // 2 else f"{head} {rest}".strip()[: TITLE_LENGTH - 1]) + "…"
