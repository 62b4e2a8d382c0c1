"""What the status line says of the chat in a pane: what is going on, and how fast."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.chat.rate import Rate
from mistral_tui.tui.chat.status import Figures, StatusLine
from mistral_tui.tui.chat.welcome import ModelState
from mistral_tui.types.events import Delta, ReasoningDelta
from mistral_tui.types.messages import Message, Usage


class TurnFigures:
    """Follows a turn and shows its figures.

    Args:
        line: Returns where they are shown.
        chat: Returns the chat that is shown.
    """

    def __init__(self, line: Callable[[], StatusLine], chat: Callable[[], LiveChat]) -> None:
        self._line = line
        self._chat = chat
        self._model = ModelState()
        self._rate = Rate()
        self._context_tokens: int | None = None
        """Tokens of the prompt and of the reply so far; `None`: the reply had begun before it was shown."""
        self._thinking = False
        """Whether what the model writes now is reasoning."""

    @property
    def senses(self) -> bool:
        """Whether pictures and recordings may go along; so long as that is not known, they may."""
        return self._model.senses is not False

    def begin(self) -> None:
        """A turn begins."""
        self._thinking = False
        self._rate = Rate()
        self.show_state()

    def show_chat(self, path: Sequence[Message]) -> None:
        """Show the figures of the last reply of another chat."""
        self._rate = Rate()
        self._context_tokens = None
        chat = self._chat()
        private = chat.conversation.session.private
        self._change(context_tokens=None, rate=None, first_token=None, unsaved=chat.unsaved, private=private)
        usage = next((message.usage for message in reversed(path) if message.usage is not None), None)
        if usage is not None:
            self.finish(usage)
        self.show_state()

    def show_model(self, state: ModelState, context_size: int | None) -> None:
        """Show which model it is, and how it is doing."""
        self._model = state
        if state.name != self._figures.model:
            self._change(context_size=None)  # another model's
        self._change(model=state.name, context_size=self._figures.context_size or context_size)
        self.show_state()

    def read(self, done: int, total: int) -> None:
        """So many tokens of the prompt are computed."""
        self._context_tokens = total
        self.show_state(f"reading {done:,}/{total:,}" if done < total else "answering")

    def wrote(self, delta: Delta) -> None:
        """More of the reply has come."""
        if isinstance(delta, ReasoningDelta) != self._thinking:
            self._thinking = not self._thinking
            self.show_state("thinking" if self._thinking else "answering")
        if self._context_tokens is not None:
            self._context_tokens += delta.tokens
        rate = self._rate.count(delta.tokens)
        if rate is not None:
            self._change(rate=rate, context_tokens=self._context_tokens or self._figures.context_tokens)

    def finish(self, usage: Usage) -> None:
        """The reply is complete."""
        self._line().show(self._figures.with_usage(usage))

    def show_state(self, words: str = "answering") -> None:
        """Say what is going on: `words` of the chat if it is busy, unless the model is being loaded or fetched."""
        if self._model.loading is not None:
            words = f"{self._model.doing.split()[0]} {self._model.loading:.0%}"
        elif not self._chat().busy:
            words = ""
        self._change(state=words)

    def show_fetching(self, words: str) -> None:
        """Say how far downloads are."""
        self._change(fetching=words)

    def show_preparing(self, words: str) -> None:
        """Say what is done before a prompt is sent."""
        self._change(state=words)

    def show_unsaved(self, unsaved: str | None) -> None:
        """Say whether what was said is stored."""
        self._change(unsaved=unsaved)

    @property
    def _figures(self) -> Figures:
        return self._line().figures

    def _change(self, **figures: str | float | bool | None) -> None:
        self._line().show(replace(self._figures, **figures))  # type: ignore[arg-type]  # names of fields
