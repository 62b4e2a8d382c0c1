"""The draft in a prompt: what is typed in a chat and not sent is there again when the chat is shown."""

from collections.abc import Callable

from mistral_tui.chat.drafts import Drafts
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.chat.prompt import PromptInput


class PromptDraft:
    """Fills a prompt with the draft of the chat that is shown, and keeps what becomes of it.

    Args:
        drafts: Where drafts are kept.
        prompt: Returns the prompt.
    """

    def __init__(self, drafts: Drafts, prompt: Callable[[], PromptInput]) -> None:
        self._drafts = drafts
        self._prompt = prompt
        self._chat: LiveChat | None = None
        """The chat whose draft is in the prompt."""

    async def show(self, chat: LiveChat, is_shown: Callable[[], bool]) -> None:
        """Put what was typed in this chat and not sent before what is typed meanwhile.

        Args:
            chat: It has just been shown.
            is_shown: Whether it still is, once its draft is read.
        """
        if self._chat is chat:
            return
        draft = await self._drafts.open(chat.conversation)
        if not is_shown():
            return
        self._chat = chat
        if draft:
            self._prompt().put_back(draft)
        else:
            self.keep()

    def keep(self) -> None:
        """What is typed has changed."""
        if self._chat is not None:
            self._drafts.keep(self._chat.conversation, self._prompt().full_text)

    def leave(self, chat: LiveChat) -> None:
        """Another chat is about to be shown in the place of this one."""
        if self._chat is chat:
            self.keep()
            self._prompt().text = ""
        self._chat = None
        self.close(chat)

    def close(self, chat: LiveChat) -> None:
        """Nothing more is typed in this chat here."""
        self._drafts.close(chat.conversation)
