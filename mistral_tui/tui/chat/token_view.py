"""The tokens of the replies in a pane: their colours, the one that is pointed at, and its alternatives."""

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from mistral_tui.chat import branching
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.types.messages import Message

if TYPE_CHECKING:
    from mistral_tui.tui.chat.pane import ChatPane


class TokenView(Vertical):
    """Holds the panel of tokens, and shows in the transcript what is pointed at there."""

    DEFAULT_CSS = "TokenView { height: auto; }"

    def __init__(self, pane: "ChatPane") -> None:
        super().__init__()
        self._pane = pane

    def compose(self) -> ComposeResult:
        """Lay out the panel."""
        yield TokenPanel()

    @property
    def _panel(self) -> TokenPanel:
        return self.query_one(TokenPanel)

    @property
    def _chat(self) -> LiveChat:
        return self._pane.chat

    @property
    def _watched(self) -> bool:
        return self._chat.request.sampling.logprobs

    def close(self) -> None:
        """Point at nothing any more."""
        self._panel.close()

    def point(self, message: Message | None) -> None:
        """Point at the tokens of a reply."""
        scored = self._chat.scores.of(message.id) if message else None
        if message is None or scored is None:
            way = "r writes it again, with them" if self._watched else "alt+t watches them from the next reply on"
            self._pane.status.hint(f"its tokens are not known: {way}")
            return
        self._show(message.id)
        self._panel.show(message.id, scored)

    def switch(self) -> None:
        """Watch the tokens of this chat and show those that are known, or no longer."""
        transcript = self._pane.transcript
        watched = not self._watched
        branching.watch_tokens(self._chat, watched)
        for message in transcript.messages:
            look = transcript.look_of(message.id)
            if watched:
                self._show(message.id)
            elif look.tokens is not None:
                transcript.set_look(message.id, replace(look, tokens=None, token=None))
        if watched:
            self._pane.status.hint("tokens: watched from the next reply on; t points at those of a message")
        else:
            self.close()
            self._pane.status.hint("tokens: no longer watched")

    def reply_finished(self, message_id: str) -> None:
        """Show a reply as its tokens if they are watched."""
        if self._watched:
            self._show(message_id)

    def _show(self, message_id: str) -> None:
        """Show a reply as its tokens, if they are known."""
        scored = self._chat.scores.of(message_id)
        if scored is not None:
            look = self._pane.transcript.look_of(message_id)
            self._pane.transcript.set_look(message_id, replace(look, tokens=scored))

    @on(TokenPanel.Moved)
    def _moved(self, event: TokenPanel.Moved) -> None:
        """Show which token is pointed at; with none, the reply is shown as it was before."""
        event.stop()
        transcript, message_id = self._pane.transcript, event.message_id
        look = transcript.look_of(message_id)
        if event.token is None:
            tokens = look.tokens if self._watched else None
            transcript.set_look(message_id, replace(look, tokens=tokens, token=None))
        else:
            transcript.set_look(message_id, replace(look, token=event.token))
            transcript.show_token(message_id, event.token)

    @on(TokenPanel.Left)
    def _left(self, event: TokenPanel.Left) -> None:
        event.stop()
        self._pane.transcript.focus()

    @on(TokenPanel.Taken)
    async def _taken(self, event: TokenPanel.Taken) -> None:
        """Let the reply go on from an alternative."""
        event.stop()
        chat = self._chat
        if await self._pane.view.change(
            lambda: branching.continue_from(chat, event.message_id, event.token, event.instead)
        ):
            self.close()
            self._pane.prompt.focus()
