"""A message that is being edited in the prompt of a pane: sent, it makes a branch; what was typed there comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mistral_tui.chat import branching
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.types.messages import Attachment, Message

if TYPE_CHECKING:
    from mistral_tui.tui.chat.pane import ChatPane


@dataclass(frozen=True)
class _Edit:
    """What is being edited."""

    message: Message
    draft: str
    """What was in the prompt before."""
    draft_files: tuple[PromptFile, ...]
    """What was to go along with that."""


class Editing:
    """Edits one message at a time, in the place of what is typed."""

    def __init__(self, pane: "ChatPane") -> None:
        self._pane = pane
        self._edit: _Edit | None = None

    @property
    def prompt(self) -> Message | None:
        """The prompt whose place the next one takes."""
        return self._edit.message if self._edit is not None and self._edit.message.role == "user" else None

    def begin(self, message: Message) -> None:
        """Put a prompt or a reply into the box."""
        box = self._pane.box
        draft = box.prompt.full_text, box.take_files()
        if self._edit is not None:
            draft = self._edit.draft, self._edit.draft_files
        self._edit = _Edit(message, *draft)
        box.prompt.text = ""
        box.put_back(message.text, [part for part in message.parts if isinstance(part, Attachment)])
        box.prompt.focus()
        box.show_editing("prompt" if message.role == "user" else "reply")

    def stop(self) -> bool:
        """Leave the message as it is, and put back what was typed; returns whether one was being edited."""
        if self._edit is None:
            return False
        self._pane.prompt.text = ""
        self._pane.box.take_files()
        self.sent()
        return True

    def forget(self) -> None:
        """The box shows something else now."""
        if self._edit is not None:
            self._edit = None
            self._pane.box.show_editing("")

    def sent(self) -> None:
        """The box is empty: what was typed there before is there again."""
        edit = self._edit
        self.forget()
        if edit is not None and (edit.draft or edit.draft_files):
            self._pane.box.put_back(edit.draft, edit.draft_files)

    async def reword(self, text: str) -> bool:
        """If a reply is being edited, put the reworded one beside it; returns whether one was."""
        if self._edit is None or self._edit.message.role != "assistant":
            return False
        chat, message_id = self._pane.chat, self._edit.message.id
        if await self._pane.view.change(lambda: branching.reword_reply(chat, message_id, text).id):
            self.sent()
        else:
            self._pane.prompt.refuse(text)
        return True

    async def send(self, text: str, files: tuple[PromptFile, ...], send: Callable[[], None]) -> bool:
        """Send the edited prompt, and return whether it is sent; otherwise it is in the box again."""
        if not await self._pane.view.change(send):
            self._pane.prompt.refuse(text)
            self._pane.box.put_back("", files)
            return False
        self.sent()
        return True
