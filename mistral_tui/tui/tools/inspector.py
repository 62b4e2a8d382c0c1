"""The pane of calls at the right: every call of the chat in use, with all that is known of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.clipboard import copy_text
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.tui.tools.call_text import FORMS, call_text
from mistral_tui.tui.tools.words import GLYPHS, STATES, call_name, raw_output, seconds_words
from mistral_tui.types.text import printable_line
from mistral_tui.types.tools import ToolProgress, ToolRun

INTERVAL: Final = 0.5
"""Seconds between two looks while the pane is shown."""
SHOWN: Final = 500
"""Calls that are listed, the last ones; the filter finds the others."""


class CallList(OptionList, inherit_bindings=False):
    """The calls."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("calls")

    @dataclass
    class Wanted(Message):
        """Something is to be done with the call that is marked."""

        what: str

    def action_call(self, what: str) -> None:
        """Do something with the call that is marked."""
        self.post_message(self.Wanted(what))


class CallInspector(Vertical):
    """Lists the calls of a chat; those of the active branch, the last one at the end.

    Args:
        chat: Returns the chat in use.
        id: As of any widget.
    """

    @dataclass
    class RunAgain(Message):
        """The person wants to make a call again, with other arguments perhaps."""

        run: ToolRun

    @dataclass
    class MessageWanted(Message):
        """The person wants to see the reply that made a call."""

        message_id: str

    def __init__(self, chat: Callable[[], LiveChat], id: str | None = None) -> None:
        super().__init__(id=id)
        self._get_chat = chat
        self._runs: tuple[ToolRun, ...] = ()
        self._listed: list[ToolRun] = []
        self._progress: ToolProgress | None = None
        self._form = 0
        self._timer: Timer | None = None

    async def toggle(self) -> None:
        """Show the pane, or fold it, which costs nothing; before it was shown there is nothing in it."""
        shown = not self.has_class("-shown")
        if not self.children:
            await self.mount_all(
                [
                    Static(id="calls-title", markup=False),
                    Field("filter", id="calls-filter"),
                    CallList(id="calls-list", markup=False),
                    VerticalScroll(Static(id="calls-call", markup=False), id="calls-text", can_focus=False),
                    KeyHint("v form · c copy · e again · f filter"),
                ]
            )
        self.set_class(shown, "-shown")
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if shown:
            self._timer = self.set_interval(INTERVAL, self.look)
            self.look(anew=True)
            self.query_one(CallList).focus()

    def look(self, anew: bool = False) -> None:
        """Show what has become of the calls."""
        runs = self._get_chat().calls.all()
        if anew or runs != self._runs:
            self._runs = runs
            self._list()
        elif self._marked is not None and self._marked.state == "running":
            self._describe()

    @property
    def _marked(self) -> ToolRun | None:
        index = self.query_one(CallList).highlighted
        return None if index is None or index >= len(self._listed) else self._listed[index]

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self._list()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()
        self.query_one("#calls-text").scroll_home(animate=False)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._open()

    @on(CallList.Wanted)
    async def _wanted(self, event: CallList.Wanted) -> None:
        event.stop()
        marked = self._marked
        if event.what == "filter":
            self.query_one("#calls-filter").focus()
        elif marked is None:
            self.app.notify("there is no call yet", timeout=3)
        elif event.what == "form":
            self._form = (self._form + 1) % len(FORMS)
            self._describe()
        elif event.what == "copy":
            await self._copy(raw_output(marked))
        elif event.what == "copy_arguments":
            await self._copy(marked.arguments)
        elif event.what == "again":
            self.post_message(self.RunAgain(marked))
        elif event.what == "message":
            self.post_message(self.MessageWanted(marked.message_id))
        elif event.what in ("up", "down"):
            self.query_one("#calls-text").scroll_relative(y=8 if event.what == "down" else -8, animate=False)

    def _open(self) -> None:
        from mistral_tui.tui.tools.text_screen import TextScreen

        if (marked := self._marked) is not None:
            self.app.push_screen(TextScreen(call_name(marked), call_text(marked)))

    def _list(self) -> None:
        """List the calls that the filter finds; the mark stays with its call, or goes to the last one."""
        before = self._marked
        words = self.query_one("#calls-filter", Input).value.lower().split()
        found = [run for run in self._runs if all(word in _searchable(run) for word in words)]
        self._listed = found[-SHOWN:]
        calls = self.query_one(CallList)
        calls.clear_options()
        calls.add_options([Option(_row(run)) for run in self._listed])
        same = [index for index, run in enumerate(self._listed) if before is not None and run.id == before.id]
        calls.highlighted = same[0] if same else len(self._listed) - 1 if self._listed else None
        count = f"{len(self._runs):,}" if not words else f"{len(found):,} of {len(self._runs):,}"
        title = Content.assemble("calls", (f"  {count}" if self._runs else "", "$text-muted"))
        self.query_one("#calls-title", Static).update(title)
        self._describe()

    def _describe(self) -> None:
        marked = self._marked
        if marked is not None:
            progress = self._get_chat().calls.progress(marked)
            text = call_text(marked, FORMS[self._form], progress)
        else:
            words = "none is called like that" if self._runs else "no tool was called in this chat yet"
            text = Content.styled(words, "$text-disabled")
        self.query_one("#calls-call", Static).update(text)

    async def _copy(self, text: str) -> None:
        self.app.notify(await copy_text(text, self.app.copy_to_clipboard), timeout=3)


def _searchable(run: ToolRun) -> str:
    return f"{call_name(run)} {run.name} {run.arguments} {STATES[run.state]} {run.state}".lower()


def _row(run: ToolRun) -> Content:
    glyph, style = GLYPHS[run.state]
    took = seconds_words(run.seconds) if run.seconds else ""
    name = Content(printable_line(call_name(run))[:60]).truncate(26, ellipsis=True)
    return Content.assemble((f"{glyph} ", style), name.pad_right(27 - name.cell_length), (f"{took:>8}", "$text-muted"))
