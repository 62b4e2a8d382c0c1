"""Chats that are answering while no pane shows them."""

from collections.abc import Callable

from mistral_tui.chat.events import ChatEvent, ChatFailed
from mistral_tui.chat.live import LiveChat
from mistral_tui.types.events import TurnEnded


class Background:
    """Keeps an eye on chats: for their marks in the list, and to tell a failure.

    Args:
        on_end: Called when one of them has ended; `None` is no failure.
    """

    def __init__(self, on_end: Callable[[LiveChat, str | None], None]) -> None:
        self._on_end = on_end
        self._chats: dict[str, LiveChat] = {}

    @property
    def answering(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(self._chats)

    def watch(self, chat: LiveChat) -> None:
        """Watch a chat until it is idle, which it may be already."""
        chat_id = chat.conversation.session.id
        if not chat.busy or chat_id in self._chats:
            return
        self._chats[chat_id] = chat

        def heard(event: ChatEvent) -> None:
            if chat.busy:
                return
            self._chats.pop(chat_id, None)
            unsubscribe()
            match event:
                case ChatFailed(error) | TurnEnded("failed", error):
                    self._on_end(chat, str(error))
                case _:
                    self._on_end(chat, None)

        unsubscribe = chat.subscribe(heard)
