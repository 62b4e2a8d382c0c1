"""Asks whether a call may be made: what it is in full, and for how long the answer counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.file_changes import FileChange
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.tools.resting import RESTING, RestingDialog
from mistral_tui.tui.tools.text import definition_diff, diff_content, json_content
from mistral_tui.tui.tools.words import call_name
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import Approval, Decision, ToolDefinition, ToolRun

DENIED: Final = "the person did not allow it"
"""What the model is told."""
_HIGHEST: Final = 34
"""Rows of the dialog."""
_AROUND: Final = 12
"""Of these, rows that are not the call: title, answers, hint and the space between them."""
_AROUND_LOW: Final = 7
"""The same where the terminal is low."""
_CHOICES: Final[tuple[tuple[str, str, str], ...]] = (
    ("o", "once", "Allow it this once"),
    ("s", "session", "Allow this tool in this chat"),
    ("a", "always", "Allow this tool always"),
    ("d", "deny", "Do not allow it"),
    ("w", "why", "Do not allow it, and tell the model why"),
)


@dataclass(frozen=True)
class Question:
    """A call that waits for the person."""

    run: ToolRun
    chat: str = ""
    """What its chat is called, if that is not the one in view."""
    waiting: int = 0
    """How many more wait."""
    change: FileChange | None = None
    """What it would do to a file."""
    definitions: tuple[ToolDefinition, ToolDefinition] | None = None
    """What its server said of the tool when it was allowed, and says now; `None`: that is the same."""


class ApprovalDialog(RestingDialog[Decision], inherit_bindings=False):
    """Closes with the decision; with `None` the call is not allowed.

    Args:
        question: What is asked.
        typed: Takes what is typed before an answer counts: it is meant for the prompt.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("approval")]

    def __init__(self, question: Question, typed: Callable[[events.Key | events.Paste], None]) -> None:
        super().__init__(typed)
        self.question = question

    def compose(self) -> ComposeResult:
        """Lay out the call, the answers, and a line for the reason."""
        run = self.question.run
        with Vertical(classes="dialog", id="approval"):
            yield Static(f"{printable_line(call_name(run))} — may it be called?", classes="dialog-title", markup=False)
            yield Static(id="approval-where", markup=False)
            with VerticalScroll(id="approval-text", can_focus=False):
                yield Static(_text(self.question), markup=False)
            yield Choices(*(Option(_row(key, text), id=name) for key, name, text in _CHOICES), markup=False)
            yield Field("why not, for the model", id="approval-why")
            yield KeyHint()

    def on_mount(self) -> None:
        """Say where the call comes from."""
        self.show_waiting(self.question.waiting)
        self.query_one("#approval-why").display = False

    def on_resize(self) -> None:
        """Leave room for the answers, however long the call is, and the prompt in view."""
        self._fit()

    def show_waiting(self, waiting: int) -> None:
        """Say where the call comes from, and how many more wait."""
        words = [f"in “{printable_line(self.question.chat)}”"] if self.question.chat else []
        words += [f"{waiting} more {'waits' if waiting == 1 else 'wait'}"] if waiting else []
        where = self.query_one("#approval-where", Static)
        where.display = bool(words)
        where.update(" · ".join(words))
        self._fit()

    def action_choose(self, name: str) -> None:
        """Answer, or ask for the reason first."""
        if not self.counts:
            return
        if name == "why":
            field = self.query_one("#approval-why", Field)
            field.display = True
            field.focus()
            self._fit()
            self._hint("enter tells the model · esc does not allow it")
        elif name == "deny":
            self.dismiss(Decision(False, "once", DENIED))
        else:
            approvals: dict[str, Approval] = {"once": "once", "session": "session", "always": "always"}
            self.dismiss(Decision(True, approvals[name]))

    def action_answer(self) -> None:
        """Do not allow it, for the reason that was typed."""
        why = self.query_one("#approval-why", Field)
        if why.has_focus:
            reason = printable_line(why.value)
            self.dismiss(Decision(False, "once", f"{DENIED}: {reason}" if reason else DENIED))

    def action_scroll(self, rows: int) -> None:
        """Scroll what the call is."""
        self.query_one("#approval-text").scroll_relative(y=rows, animate=False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.action_choose(event.option_id)

    def _fit(self) -> None:
        lines = sum(self.query_one(f"#approval-{name}").display for name in ("where", "why"))
        low = self.has_class("-low")  # then there is no space between anything
        around, room = (_AROUND_LOW + lines, 0) if low else (_AROUND + 2 * lines, 6)
        height = min(_HIGHEST, self.size.height - room) - around
        self.query_one("#approval-text").styles.max_height = max(2, height)

    def begin_rest(self) -> None:
        """Show that no answer counts yet."""
        self.query_one("#approval").add_class("-resting")
        self._hint(RESTING)

    def end_rest(self) -> None:
        """Go to the answers."""
        self.query_one("#approval").remove_class("-resting")
        self.query_one(Choices).focus()
        self._hint("enter answers · page up, page down read · esc does not allow it")

    def _hint(self, text: str) -> None:
        self.query_one(KeyHint).say(text)


def _row(key: str, text: str) -> Content:
    return Content.assemble((f"{key}  ", "$accent"), text)


def _text(question: Question) -> Content:
    change = question.change
    parts: list[Content] = []
    if question.definitions is not None:
        before, now = question.definitions
        parts += [Content.styled("the tool has changed since you allowed it", "$text-warning")]
        parts += [diff_content(definition_diff(before, now)), Content(""), Content.styled("arguments", "$text-muted")]
    if change is not None:
        head = f"{printable_line(change.path)}{f' · {change.note}' if change.note else ''}"
        parts.append(Content.styled(head, "$text-muted"))
        if change.lines:
            parts.append(diff_content(change.lines))
        parts += [Content(""), Content.styled("arguments", "$text-muted")]
    return Content("\n").join([*parts, json_content(question.run.arguments)])
