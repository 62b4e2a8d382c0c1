"""How a prompt is sent from a pane: with its files, at once or after the reply that is being written."""

import asyncio
from typing import TYPE_CHECKING

from textual.worker import Worker

from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.config.paths import Paths
from mistral_tui.tui.prompt.gathering import gathered
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.messages import Attachment

if TYPE_CHECKING:
    from mistral_tui.tui.chat.pane import ChatPane


class Sending:
    """Sends the prompts of a pane; what cannot be sent is in the box again."""

    def __init__(self, pane: "ChatPane") -> None:
        self._pane = pane
        self._preparing: Worker[None] | None = None
        """What is done with the files of a prompt before it is sent."""

    @property
    def busy(self) -> bool:
        """Whether something is done before a prompt is sent."""
        return self._preparing is not None

    def stop(self) -> None:
        """Stop that; the prompt is in the box again."""
        if self._preparing is not None:
            self._preparing.cancel()

    async def send(self, text: str, files: tuple[PromptFile, ...] = ()) -> bool:
        """Send a prompt with what goes along, and return whether that is done or under way.

        While a reply is being written, it waits for the end of that.

        Pictures and recordings that it names by their path go along, unless the model takes none.
        """
        if files:
            # Its documents may have to be searched, which takes its time.
            self._preparing = self._pane.run_worker(self._prepare(text, files), exit_on_error=False)
            return True
        return await self._send(text, files)

    async def gather(self, text: str, files: tuple[PromptFile, ...]) -> tuple[str, tuple[Attachment, ...]] | None:
        """Return the words of a prompt and all that goes along; `None`: it was put back, and the person knows why."""
        pane = self._pane
        keep = None if pane.chat.conversation.session.private else Paths.resolve().attachments
        try:
            found = await gathered(
                pane.app, text, files, pane.box.files, keep, media=pane.figures.senses, report=self._show_reading
            )
        except MistralTuiError as error:
            self.refuse(text, str(error), files)
            return None
        pane.box.show_files()
        return found

    def _show_reading(self, done: int, total: int) -> None:
        self._pane.figures.show_preparing(f"reading the document {done / total:.0%}")

    def refuse(self, text: str, reason: str, files: tuple[PromptFile, ...] = ()) -> None:
        """Give a prompt back, and say why."""
        self._pane.prompt.refuse(text)
        if files:
            self._pane.box.put_back("", files)
        self._pane.hint_after(reason)

    def take_back_waiting(self) -> None:
        """Put the prompts that wait into the box again."""
        for text, files in reversed(self._pane.chat.take_back_queued()):
            self._pane.box.put_back(text, files)

    async def _prepare(self, text: str, files: tuple[PromptFile, ...]) -> None:
        self._pane.figures.show_preparing("reading documents")
        try:
            await self._send(text, files)
        except asyncio.CancelledError:
            self._pane.box.put_back(text, files)
            raise
        finally:
            self._preparing = None
            self._pane.figures.show_state()

    async def _send(self, text: str, files: tuple[PromptFile, ...]) -> bool:
        gathered = await self.gather(text, files)
        if gathered is None:
            return False
        words, attached = gathered
        chat, editing = self._pane.chat, self._pane.editing
        if (edited := editing.prompt) is not None:
            return await editing.send(text, files, lambda: chat.send(words, attached, instead_of=edited.id))
        waits = chat.busy
        try:
            chat.send_later(words, attached)
        except InvalidRequest as error:
            self.refuse(text, str(error), files)
            return False
        if not waits:
            self._pane.view.turn_begins()
        return True
