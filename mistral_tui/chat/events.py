"""What a living chat tells its listeners, besides the events of the turn."""

from dataclasses import dataclass

from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.events import TurnEvent
from mistral_tui.types.messages import Attachment


@dataclass(frozen=True)
class SavingChanged:
    """The chat could not be saved, or it is saved again."""

    unsaved: str | None
    """Why it is kept in memory only; `None`: everything is stored."""


@dataclass(frozen=True)
class LearnedFromOthers:
    """Another program has changed the chat: what it has said is part of the conversation now."""

    deleted: bool = False
    """Whether it has deleted the chat: what is said here next brings it back."""


@dataclass(frozen=True)
class ChatFailed:
    """No reply could be begun, because the model could not be loaded. The prompt stays; `LiveChat.retry` answers it."""

    error: MistralTuiError


@dataclass(frozen=True)
class PromptReturned:
    """A prompt was cancelled before the model was asked: it is no longer part of the chat."""

    message_id: str
    text: str
    files: tuple[Attachment, ...]


@dataclass(frozen=True)
class QueueChanged:
    """Prompts wait for the reply that is being written to end, or do so no more."""

    waiting: tuple[str, ...]
    """Their texts, the next one first."""
    sent: bool = False
    """Whether the next one was sent just now."""


@dataclass(frozen=True)
class ChoiceEvent:
    """What happens to one of several replies that are written at once."""

    choice: int
    """Its number, from 0."""
    event: TurnEvent


ChatEvent = TurnEvent | ChoiceEvent | SavingChanged | ChatFailed | PromptReturned | QueueChanged | LearnedFromOthers
