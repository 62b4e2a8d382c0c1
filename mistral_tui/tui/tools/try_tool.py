"""A form for the arguments of a tool, and what it answers: for trying a tool, and for making a call again."""

import json
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mistral_tui.chat.tool_form import form_fields
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.tools.call_text import call_text
from mistral_tui.tui.tools.form import FormLines
from mistral_tui.tui.tools.words import progress_words
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Json
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import Tool, ToolProgress, ToolRun

Call = Callable[[Tool, str, Callable[[ToolProgress], None]], Awaitable[ToolRun]]
"""Makes a call that the person wants; see `mistral_tui.chat.chat_tools.ChatTools.call_by_hand`."""
_INTERVAL: Final = 0.1
"""Seconds between two words of progress."""
_HINT: Final = "f5 calls it · tab to the next line · esc closes"


class TryTool(Dialog[None], inherit_bindings=False):
    """Takes the arguments, calls, and shows what came of it; as often as the person likes.

    Args:
        tool: What is called.
        call: Calls it.
        arguments: What stands in the form at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("form"), *bindings("try_tool")]
    AUTO_FOCUS = "Field"
    TAKES_QUESTIONS = True

    def __init__(self, tool: Tool, call: Call, arguments: Json | None = None) -> None:
        super().__init__()
        self._tool = tool
        self._call = call
        self._form = FormLines(form_fields(tool.parameters, arguments))
        self._calling = False
        self._progress: str | None = None
        """What is to be said of the progress next."""

    def compose(self) -> ComposeResult:
        """Lay out the lines of the form, and room for the answer."""
        with Vertical(classes="dialog", id="try"):
            yield Static(printable_line(self._tool.key), classes="dialog-title", markup=False)
            with VerticalScroll(id="try-text", can_focus=False):
                yield self._form
                yield Static(id="try-answer", markup=False)
            yield KeyHint(_HINT)

    def action_scroll(self, rows: int) -> None:
        """Scroll form and answer."""
        self.query_one("#try-text").scroll_relative(y=rows, animate=False)

    def action_call(self) -> None:
        """Call the tool with what is in the form."""
        if self._calling:
            return
        try:
            arguments = self._form.values()
        except InvalidRequest as error:
            self._say(Content.styled(printable_line(str(error)), "$text-error"))
            return
        self._calling = True
        self._say(Content.styled("◷ calling …", "$accent"))
        self.run_worker(self._make(json.dumps(arguments, ensure_ascii=False)), exclusive=True)

    async def _make(self, arguments: str) -> None:
        try:
            self._say(call_text(await self._call(self._tool, arguments, self._progressed)))
        finally:
            self._calling = False

    def _progressed(self, progress: ToolProgress) -> None:
        words = f"◷ calling · {progress_words(progress)} {printable_line(progress.message)}"
        if self._progress is None:  # it may come thousands of times a second
            self.set_timer(_INTERVAL, self._show_progress)
        self._progress = words

    def _show_progress(self) -> None:
        words, self._progress = self._progress, None
        if words is not None and self._calling:
            self._say(Content.styled(words, "$accent"))

    def _say(self, content: Content) -> None:
        answer = self.query_one("#try-answer", Static)
        answer.update(content)
        self.call_after_refresh(self.query_one("#try-text").scroll_to_widget, answer, animate=False, top=True)


def arguments_of(run: ToolRun) -> Json:
    """Return the arguments that a call was made with; none if they are no JSON object."""
    try:
        found = json.loads(run.arguments)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
