"""The prompt: where the person writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from textual import events
from textual.binding import BindingType
from textual.message import Message

from mistral_tui.chat.paths_in_text import pasted_paths
from mistral_tui.tui.actions import ACTIONS, bindings
from mistral_tui.tui.characters import written_by
from mistral_tui.tui.prompt.completion import CompletionList
from mistral_tui.tui.prompt.graphemes import GraphemeTextArea
from mistral_tui.tui.prompt.vim import VimKeys
from mistral_tui.types.text import printable

LONG_PASTE = 8_000
"""Characters of a paste that are shown; a longer one stands in the prompt as a mark."""
LONGEST_PASTE = 4_000_000
"""Characters; what is longer is declined."""

_MARK = re.compile(r"\[pasted text (\d+): [\d,]+ characters\]")

_PLACEHOLDER = "Ask anything, or type / for commands"
_SHORT_PLACEHOLDER = "Ask anything"


class PromptInput(GraphemeTextArea, inherit_bindings=False):
    """A text box of one to eight lines: enter sends, and the arrows lead to older prompts at its edges."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("prompt")

    @dataclass
    class Submitted(Message):
        """The person wants to send this text."""

        prompt: "PromptInput"
        text: str

        @property
        def control(self) -> "PromptInput":
            """The prompt that sent this message."""
            return self.prompt

    @dataclass
    class Declined(Message):
        """Something was not taken; `reason` says what and why."""

        prompt: "PromptInput"
        reason: str

        @property
        def control(self) -> "PromptInput":
            """The prompt that sent this message."""
            return self.prompt

    @dataclass
    class QueueWanted(Message):
        """The person wants the prompts back that wait."""

        prompt: "PromptInput"

        @property
        def control(self) -> "PromptInput":
            """The prompt that sent this message."""
            return self.prompt

    @dataclass
    class ModeChanged(Message):
        """The keys of vi mean something else now."""

        prompt: "PromptInput"

        @property
        def control(self) -> "PromptInput":
            """The prompt that sent this message."""
            return self.prompt

    @dataclass
    class PathsPasted(Message):
        """Files were pasted by their paths, or dropped on the terminal."""

        prompt: "PromptInput"
        paths: tuple[Path, ...]
        text: str
        """As it was pasted."""

        @property
        def control(self) -> "PromptInput":
            """The prompt that sent this message."""
            return self.prompt

    def __init__(self, id: str | None = None) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            placeholder=_PLACEHOLDER,
        )
        self.cursor_blink = False
        self._by_key = {key: action for action in ACTIONS if action.where == "prompt" for key in action.keys}
        self.completion: CompletionList | None = None
        """The list that gets the keys that are for it while it is open."""
        self.put_in = ""
        """The text that was put in last, instead of typed: nobody wants it completed."""
        self.vim: VimKeys | None = None
        """The keys of vi, for people who want them."""
        self.others_wait = False
        """Whether prompts wait to be sent: the arrow up leads to them first."""
        self._sent: list[str] = []
        self._shown: int | None = None
        """Index of the older prompt that is shown; `None`: what is being written."""
        self._draft = ""
        self._pastes: dict[int, str] = {}

    def focus(self, scroll_visible: bool = True) -> Self:
        """Take the focus at once: keys that are typed already are meant for it."""
        if self.is_attached:
            self.screen.set_focus(self, scroll_visible)
        return self

    def on_resize(self) -> None:
        """In a narrow pane invite with few words, not with half a sentence."""
        self.placeholder = _PLACEHOLDER if self.size.width > len(_PLACEHOLDER) else _SHORT_PLACEHOLDER

    @property
    def full_text(self) -> str:
        """The text with what was pasted in the place of its marks."""
        return _MARK.sub(lambda mark: self._pastes.get(int(mark[1]), mark[0]), self.text)

    @property
    def before_cursor(self) -> str:
        """The line up to the cursor."""
        row, column = self.cursor_location
        return self.document[row][:column]

    def set_history(self, prompts: Sequence[str]) -> None:
        """Set what the arrows lead to, oldest first."""
        self._sent = list(prompts)
        self._shown = None

    def put_back(self, text: str) -> None:
        """Give a prompt back that was not answered; what was written meanwhile follows it."""
        written = self.text if self._older is None else self._draft
        self._shown = None
        self._write(f"{text}\n\n{written}" if written.strip() else text)

    def refuse(self, text: str) -> None:
        """What was handed in could not be sent: it is in the box again, before what was typed since."""
        if self._sent and self._sent[-1] == text:
            self._sent.pop()
        self._write(text + self.text)

    def replace_all(self, text: str) -> None:
        """Put a text in the place of what is written; undo brings that back."""
        self._write(text)
        self.focus()

    def insert_text(self, text: str) -> None:
        """Put a text in at the cursor."""
        self.insert(_shortened(text, self._pastes))
        self.put_in = self.text
        self.focus()

    def action_send(self) -> None:
        """Hand the text in; who takes it may refuse it."""
        text = self.full_text
        if not text.strip():
            return
        if not self._sent or self._sent[-1] != text:
            self._sent.append(text)
        self._shown = None
        self._pastes.clear()
        self.text = self.put_in = ""
        if self.vim is not None:
            self.vim.mode = "insert"  # the next prompt is to be typed
            self._show_mode(self.vim)
        self.post_message(self.Submitted(self, text))

    def action_new_line(self) -> None:
        """Break the line at the cursor."""
        self.insert("\n")
        self.scroll_cursor_visible()

    def action_older(self) -> None:
        """Move up; from the first line, show the prompt before."""
        if self.wrapped_document.location_to_offset(self.cursor_location).y > 0:
            self.action_cursor_up()
        elif self.others_wait and not self.text:
            self.post_message(self.QueueWanted(self))
        elif self._sent and (shown := self._older) != 0:
            if shown is None:
                self._draft = self.text
            self._shown = len(self._sent) - 1 if shown is None else shown - 1
            self._write(self._sent[self._shown])

    def action_newer(self) -> None:
        """Move down; from the last line, show the next prompt, in the end what was being written."""
        if self.wrapped_document.location_to_offset(self.cursor_location).y < self.wrapped_document.height - 1:
            self.action_cursor_down()
        elif (shown := self._older) is not None:
            self._shown = shown + 1 if shown + 1 < len(self._sent) else None
            self._write(self._draft if self._shown is None else self._sent[self._shown])

    async def _on_key(self, event: events.Key) -> None:
        # A binding is run only after the key has gone up to the app, when later keys may be in the text already:
        # what edits or sends the text is done here, in the order of the keys.
        completion = self.completion
        if completion is not None and (action := completion.action_for(event.key, self.before_cursor)):
            event.stop()
            event.prevent_default()
            await completion.run_action(action.binding_call)
            return
        if self.vim is not None and self._is_for_vim(self.vim, event):
            event.stop()
            event.prevent_default()
            return
        action = self._by_key.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action.binding_call)
        elif event.key.startswith("alt+"):
            # It comes with the character of the letter, which nobody has typed; what it does is bound elsewhere.
            event.prevent_default()

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Whether it deals with a key itself, and nothing comes of it elsewhere."""
        own = self._by_key.get(key)
        return super().check_consume_key(key, character) or (own is not None and own.id != "send")

    def _is_for_vim(self, vim: VimKeys, event: events.Key) -> bool:
        """Let a key of vi do what it does; the others are for the prompt."""
        if event.key == "escape":
            done = vim.escape()
        elif (
            done := vim.mode == "normal"
            and event.character is not None
            and bool(event.is_printable or written_by(event))
        ):
            vim.press(event.character or "")
        if done:
            self._show_mode(vim)
        return done

    def _show_mode(self, vim: VimKeys) -> None:
        if self.has_class("-normal") != (vim.mode == "normal"):
            self.set_class(vim.mode == "normal", "-normal")
            self.post_message(self.ModeChanged(self))

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = printable(event.text)
        if len(text) > LONGEST_PASTE:
            reason = f"the paste of {len(text):,} characters was left out: the most is {LONGEST_PASTE:,}"
            self.post_message(self.Declined(self, reason))
            return
        if paths := pasted_paths(text):
            self.post_message(self.PathsPasted(self, paths, text))
            return
        if len(text) > LONG_PASTE:
            number = max(self._pastes, default=0) + 1
            self._pastes[number] = text
            text = f"[pasted text {number}: {len(text):,} characters]"
        self.insert(text)
        self.scroll_cursor_visible()

    @property
    def _older(self) -> int | None:
        """Index of the older prompt that is shown; one that was changed is what is being written."""
        return self._shown if self._shown is not None and self.full_text == self._sent[self._shown] else None

    def _write(self, text: str) -> None:
        self.put_in = _shortened(text, self._pastes)
        self.replace(self.put_in, (0, 0), self.document.end, maintain_selection_offset=False)


def _shortened(text: str, pastes: dict[int, str]) -> str:
    """Return `text`, or a mark for it if it is too long to edit."""
    if len(text) <= LONG_PASTE:
        return text
    number = max(pastes, default=0) + 1
    pastes[number] = text
    return f"[pasted text {number}: {len(text):,} characters]"
