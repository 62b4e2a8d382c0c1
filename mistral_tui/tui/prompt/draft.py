"""The draft in a prompt: what is typed in a chat and not sent is there again when the chat is shown, with its
files.
"""

from collections.abc import Callable

from mistral_tui.chat.drafts import Draft, Drafts
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.prompt.box import PromptBox


class PromptDraft:
    """Fills a prompt with the draft of the chat that is shown, and keeps what becomes of it.

    Args:
        drafts: Where drafts are kept.
        box: The prompt, with what goes along.
    """

    def __init__(self, drafts: Drafts, box: PromptBox) -> None:
        self._drafts = drafts
        self._box = box
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
        if draft == Draft():
            self.keep()
        else:
            self._box.put_back(draft.text, draft.files)
            await self._box.read_again()

    def keep(self) -> None:
        """What is typed, or goes along, has changed."""
        if self._chat is not None:
            self._drafts.keep(self._chat.conversation, Draft(self._box.prompt.full_text, self._box.files.files))

    def leave(self, chat: LiveChat) -> None:
        """Another chat is about to be shown in the place of this one."""
        if self._chat is chat:
            self.keep()
            self._box.prompt.text = ""
        self._chat = None
        self.close(chat)

    def close(self, chat: LiveChat) -> None:
        """Nothing more is typed in this chat here."""
        self._drafts.close(chat.conversation)
