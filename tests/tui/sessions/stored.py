"""Apps whose chats are stored, and chats to begin with."""

from pathlib import Path

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.workspace import Workspace
from mistral_tui.store.store import Store
from mistral_tui.tui.app import MistralApp
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply


def app_on(path: Path, *replies: Reply, theme: str = "mistral-dark") -> MistralApp:
    """Make an app on a database."""
    pool = FakePool(FakeEngine(list(replies) or [Reply()]))
    return MistralApp(Workspace(pool, Store(path), ENTRY), theme=theme)


def store_chat(path: Path, title: str, *texts: str, when: float = 1000.0) -> Session:
    """Store a chat of prompts and replies in turn."""
    conversation = Conversation(Session(id=title.lower().replace(" ", "-"), title=title, created_at=when))
    for number, text in enumerate(texts or (title, "An answer.")):
        role, finish = (("user", None), ("assistant", "stop"))[number % 2]
        conversation.append(
            Message(role, (TextPart(text),), id=f"{title}-{number}", created_at=when + number, finish=finish)  # type: ignore[arg-type]  # one of two literals
        )
    store = Store(path)
    store.save(conversation.session, conversation.messages)
    store.close()
    return conversation.session
