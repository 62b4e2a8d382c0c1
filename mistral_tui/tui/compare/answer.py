"""One of several answers: who gives it, what was said so far, and how fast."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mistral_tui.chat.compare import Apart, Contestant
from mistral_tui.chat.conversation import Conversation
from mistral_tui.tui.chat.transcript import Transcript
from mistral_tui.types.events import (
    Delta,
    Finished,
    MessageCommitted,
    PromptProgress,
    ReplyStarted,
    TurnEnded,
    TurnEvent,
)
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadProgress
from mistral_tui.types.text import printable_line

_WAITS = "waits for its turn"
_APART: dict[Apart, str] = {"cores": "shared cores", "memory": "no room beside"}
_WHY: dict[Apart, str] = {
    "cores": "models here share the processor's cores",
    "memory": "there is no room for its model beside the others",
}
_UNKNOWN = "\N{EN DASH}"


class Answer(Vertical):
    """One column.

    Args:
        contestant: Who answers.
        conversation: The answer is a branch of it.
    """

    DEFAULT_CSS = "Answer { height: 1fr; }"

    def __init__(self, contestant: Contestant, conversation: Conversation) -> None:
        super().__init__()
        self._contestant = contestant
        self._conversation = conversation
        self._usage: Usage | None = None
        self._state = _WAITS
        self._when = ""
        self.reply_id: str | None = None
        """The message, once there is one."""

    def compose(self) -> ComposeResult:
        """Lay out the heading, the answer and the figures."""
        yield Static(classes="answer-head", markup=False)
        yield Transcript()
        yield Static(classes="answer-figures", markup=False)

    def on_mount(self) -> None:
        """Say who it is."""
        self._show()

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.query_one(Transcript)

    def show_plan(self, alone: bool, apart: Apart | None) -> None:
        """Say whether it has the machine to itself while it answers, and why it does not answer beside others."""
        self._when = "alone" if alone else "at the same time"
        if apart is not None:
            self._when += f": {_APART[apart]}"
            if self._state == _WAITS:
                self._state = f"{_WAITS}: {_WHY[apart]}"
        self._show()

    async def hear(self, event: TurnEvent) -> None:
        """Take in what happens to it."""
        match event:
            case LoadProgress(_, fraction):
                self._state = f"loading {fraction:.0%}"
            case PromptProgress():
                self._state = "reads"
            case ReplyStarted(message):
                self.reply_id = message.id
                self._state = "answers"
                await self.transcript.begin(message, lambda: self._conversation[message.id])
            case MessageCommitted(message):
                self.transcript.finish(message)
            case Finished(_, usage, _):
                self._usage = usage
            case TurnEnded(reason, error):
                self._state = {"cancelled": "stopped", "failed": "failed", "length": "cut at its limit"}.get(reason, "")
                if error is not None and self.reply_id is None:
                    self._state = f"✗ {error}"
            case _ if isinstance(event, Delta):
                self._state = "answers"
                self.transcript.write(event)
        self._show()

    def _show(self) -> None:
        name = printable_line(self._contestant.name)
        entry = self._contestant.entry.name
        model = "" if self._contestant.name == entry else f"  {printable_line(entry)}"
        self.query_one(".answer-head", Static).update(
            Content.assemble(
                (name, "bold"), (f"  {self._when}" if self._when else "", "$text-muted"), (model, "$text-disabled")
            )
        )
        usage = self._usage
        if usage is None:
            self.query_one(".answer-figures", Static).update(printable_line(self._state))
            return
        first, rate = _number(usage.time_to_first_token, 4), _number(usage.decode_rate, 5)
        figures = f"TTFT {first} s  {rate} tok/s  {usage.completion_tokens:,} tokens"
        self.query_one(".answer-figures", Static).update("  ".join(filter(None, [figures, self._state])))


def _number(value: float | None, cells: int) -> str:
    if not value:
        return f"{_UNKNOWN:>{cells}}"
    return f"{value:>{cells}.{2 if value < 10 else 1 if value < 1000 else 0}f}"
