"""Puts to the person what a server of tools asks: values for a form, or a visit to an address of the web."""

from collections.abc import Callable, Iterator
from typing import ClassVar, Final
from urllib.parse import quote, urlsplit

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.server_questions import ServerQuestion
from mistral_tui.chat.tool_form import question_fields
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.models.template_choice import Choices
from mistral_tui.tui.tools.form import FormLines
from mistral_tui.tui.tools.resting import RESTING, RestingDialog
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.questions import Accepted, AddressQuestion, Declined, Reply
from mistral_tui.types.text import printable, printable_line

_LONGEST: Final = 4_000
"""Characters of a stranger's words that are shown."""
_HIGHEST: Final = 26
_AROUND: Final = 12
"""Rows that are not the question: title, who asks, answers, hint and the space between them."""
_AROUND_LOW: Final = 7
"""The same where the terminal is low."""


class ServerQuestionDialog(RestingDialog[Reply], inherit_bindings=False):
    """Closes with the reply; with `None` the person has not decided.

    Args:
        asked: What is asked, and by whom.
        waiting: How many more questions wait.
        typed: Takes what is typed before an answer counts.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("form"), *bindings("server_question")]

    def __init__(self, asked: ServerQuestion, waiting: int, typed: Callable[[events.Key | events.Paste], None]) -> None:
        super().__init__(typed)
        self.asked = asked
        self._waiting = waiting
        question = asked.question
        self._url = web_address(question.url) if isinstance(question, AddressQuestion) else ""
        self._form = None if isinstance(question, AddressQuestion) else FormLines(question_fields(question.fields))

    def compose(self) -> ComposeResult:
        """Lay out the question with its form or address, and the answers."""
        with Vertical(classes="dialog", id="server-question"):
            yield Static(f"{printable_line(self.asked.server)} asks you", classes="dialog-title", markup=False)
            yield Static(id="server-question-about", markup=False)
            with VerticalScroll(id="server-question-text", can_focus=False):
                words = printable(self.asked.question.message[:_LONGEST]).strip()
                yield Static(words, id="server-question-words", markup=False)
                if self._form is not None:
                    yield self._form
                else:
                    host = urlsplit(self._url).hostname or ""
                    yield Static(Content.assemble(("leads to  ", "$text-muted"), (host, "bold")), markup=False)
                    yield Static(self._url, markup=False)
                yield Static(id="server-question-wrong", markup=False)
            yield Choices(*(Option(words, id=name) for name, words in self._answers()), markup=False)
            yield KeyHint()

    def on_mount(self) -> None:
        """Say how many more wait."""
        self.query_one("#server-question-wrong").display = False
        self.show_waiting(self._waiting)

    def on_resize(self) -> None:
        """Leave room for the answers, however long the question is."""
        self.call_after_refresh(self._fit)

    def show_waiting(self, waiting: int) -> None:
        """Say who asks, and how many more questions wait."""
        words = ["a server of tools" if self._form is None else "to a server of tools: no passwords"]
        words += [f"{waiting} more {'waits' if waiting == 1 else 'wait'}"] if waiting else []
        self.query_one("#server-question-about", Static).update(" · ".join(words))

    def action_accept(self) -> None:
        """Send what is in the form, or open the address."""
        if not self.counts:
            return
        if self._form is None:
            self.app.open_url(self._url)
            self.dismiss(Accepted())
            return
        try:
            self.dismiss(Accepted(self._form.values()))
        except InvalidRequest as error:
            wrong = self.query_one("#server-question-wrong", Static)
            wrong.display = True
            wrong.update(Content.styled(printable_line(str(error)), "$text-error"))
            self.call_after_refresh(wrong.scroll_visible, animate=False)

    def action_scroll(self, rows: int) -> None:
        """Scroll the question."""
        self.query_one("#server-question-text").scroll_relative(y=rows, animate=False)

    def begin_rest(self) -> None:
        """Show that no answer counts yet."""
        self.query_one("#server-question").add_class("-resting")
        self.query_one(KeyHint).say(RESTING)

    def end_rest(self) -> None:
        """Go to the first line of the form, or to the answers."""
        self.query_one("#server-question").remove_class("-resting")
        (self.query(Field).first() if self.query(Field) else self.query_one(Choices)).focus()
        sends = "f5 sends · tab next line" if self._form is not None else "enter answers"
        self.query_one(KeyHint).say(f"{sends} · esc not now")

    def _fit(self) -> None:
        around, room = (_AROUND_LOW, 0) if self.has_class("-low") else (_AROUND, 2)
        text = self.query_one("#server-question-text")
        text.styles.max_height = max(2, min(_HIGHEST, self.size.height - room) - around)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id == "accept":
            self.action_accept()
        elif self.counts:
            replies: dict[str | None, Reply] = {"elsewhere": Accepted(), "decline": Declined()}
            self.dismiss(replies.get(event.option_id))

    def _answers(self) -> Iterator[tuple[str, str]]:
        if self._form is not None:
            yield "accept", "Send this to the server"
        else:
            yield "accept", "Open the address in the browser"
            yield "elsewhere", "Yes, but I open it myself, elsewhere"
        yield "decline", "Decline"
        yield "dismiss", "Not now"


def web_address(url: str) -> str:
    """Return an address with nothing in it that looks like something else: only characters of ASCII."""
    parts = urlsplit(url)
    try:
        place = parts.netloc.encode("ascii" if parts.netloc.isascii() else "idna").decode()
    except UnicodeError:
        place = quote(parts.netloc, safe=":@[]")
    return quote(parts._replace(netloc=place).geturl(), safe="%/:?#[]@!$&'()*+,;=~-._")
