"""The prompt of a pane with all that belongs to it: the files that go along, completions, prompts that wait."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from mistral_tui.chat.drafts import UNREAD
from mistral_tui.chat.file_search import FileSearch
from mistral_tui.chat.live import LiveChat
from mistral_tui.chat.paths_in_text import path_from
from mistral_tui.chat.prompt_file import PromptFile
from mistral_tui.chat.prompt_files import PromptFiles
from mistral_tui.tui.actions import action
from mistral_tui.tui.chat.message import GLYPH
from mistral_tui.tui.chat.prompt import PromptInput
from mistral_tui.tui.environment import Environment
from mistral_tui.tui.prompt.completion import Choice, CompletionList
from mistral_tui.tui.prompt.names import CommandNames
from mistral_tui.tui.prompt.tray import AttachLink, AttachmentTray
from mistral_tui.tui.prompt.vim import VimKeys
from mistral_tui.tui.prompt.waiting import WaitingPrompts
from mistral_tui.tui.prompt.words import Word, commands_like, word_at
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Attachment

_MORE: Final = f"[@click={action('pane', 'read_end').binding_call}]more below · f4[/]"
_PAUSE: Final = 0.4
"""Seconds without a key after which the tokens of a prompt are counted."""


class PromptBox(Vertical):
    """What a person writes and what goes along, for the chat in the pane."""

    DEFAULT_CSS = "PromptBox { height: auto; width: 1fr; }"

    @dataclass
    class Hint(Message):
        """Something to say for a moment."""

        box: "PromptBox"
        text: str

        @property
        def control(self) -> "PromptBox":
            """The box that sent this message."""
            return self.box

    @dataclass
    class FilesChanged(Message):
        """Other files go along."""

        box: "PromptBox"

        @property
        def control(self) -> "PromptBox":
            """The box that sent this message."""
            return self.box

    def __init__(self, environment: Environment, chat: LiveChat) -> None:
        super().__init__()
        self._workspace = environment.workspace
        self._vim_keys = environment.vim_keys
        self._chat = chat
        self.files = PromptFiles(self._workspace, chat)
        """What goes along with the prompt of the chat in view."""
        self._search = FileSearch(Path.cwd())
        self._names = CommandNames(environment)
        self._word: Word | None = None
        """What is being completed."""
        self._more_below = False
        self._editing = ""
        """What is being edited: a prompt or a reply."""
        self._tokens = ""
        self._pause: Timer | None = None
        self._senses = True

    def compose(self) -> ComposeResult:
        """Lay out the box."""
        yield CompletionList()
        yield WaitingPrompts()
        yield AttachmentTray()
        with Horizontal(classes="prompt-box"):
            yield Static(GLYPH, classes="prompt-glyph", markup=False)
            yield PromptInput()
            yield AttachLink()

    def on_mount(self) -> None:
        """Let the prompt hand its keys to the list."""
        self.prompt.completion = self.completion
        if self._vim_keys:
            self.prompt.vim = VimKeys(self.prompt)
            self._show_title()

    @property
    def prompt(self) -> PromptInput:
        """The text box."""
        return self.query_one(PromptInput)

    @property
    def completion(self) -> CompletionList:
        """The list of completions."""
        return self.query_one(CompletionList)

    def show_chat(self, chat: LiveChat) -> None:
        """Show what waits in a chat; another one begins without files, until its draft brings them."""
        if chat is not self._chat:
            self.files = PromptFiles(self._workspace, chat)
        self._chat = chat
        self.completion.close()
        self.show_files()
        self.show_waiting(chat.queued)

    def show_waiting(self, texts: Sequence[str]) -> None:
        """Show the prompts that wait."""
        self.query_one(WaitingPrompts).show(texts)
        self.prompt.others_wait = bool(texts)

    def show_model(self, senses: bool) -> None:
        """The model takes pictures or recordings, or not; what is shown in tokens may be another number now."""
        self._senses = senses
        self.show_files()
        self._count_soon()

    def show_end(self, in_view: bool) -> None:
        """Say whether there is more of the chat below."""
        self._more_below = not in_view
        self._show_title()

    def show_editing(self, what: str) -> None:
        """Say that a message is being edited here: a prompt or a reply; nothing: no longer."""
        self._editing = what
        self._show_title()

    # Files

    async def attach(self, paths: Sequence[Path], otherwise: str = "") -> None:
        """Let files go along; what cannot is said, and `otherwise` is typed in its place."""
        problem = ""
        for path in paths:
            try:
                await self.files.add(path, media=self._senses)
            except InvalidRequest as error:
                problem = str(error)
                if otherwise:
                    self.prompt.insert(otherwise)
                    otherwise = ""
        self.show_files()
        if problem:
            self.call_after_refresh(self._say, problem)

    def action_attach(self, path: str = "") -> None:
        """Let a file go along with the prompt; without a path, ask for one."""
        if path:
            self.run_worker(self.attach([path_from(path)], f"/attach {path}"))
        else:
            self.prompt.focus()
            self.prompt.insert("@")

    def action_preview(self) -> None:
        """Look at the last file that goes along."""
        self._preview()

    def action_detach(self) -> None:
        """Take the last file away."""
        self._remove_file()

    def take_files(self) -> tuple[PromptFile, ...]:
        """Return what goes along with the prompt that is sent now."""
        files = self.files.take()
        self.show_files()
        return files

    def put_back(self, text: str, files: Sequence[Attachment] | Sequence[PromptFile]) -> None:
        """Give a prompt back that was not answered, with its files; what was written meanwhile follows it."""
        if text:
            self.prompt.put_back(text)
        self.files.put_back(files)
        self.show_files()

    async def read_again(self) -> None:
        """Read the files of a draft of an earlier run."""
        files = self.files
        for file in files.files:
            if file.problem == UNREAD:
                await files.read_again(file)
                self.show_files()

    def _remove_file(self, index: int = -1) -> None:
        """Take a file away."""
        if not self.files.files:
            self._say("no file goes along with this prompt")
            return
        file = self.files.remove(index)
        self.show_files()
        self._say(f"{file.part.name} does not go along any more")

    def show_files(self) -> None:
        """Show what goes along."""
        if self.files.files != self.query_one(AttachmentTray).files:
            self.post_message(self.FilesChanged(self))
        self.query_one(AttachmentTray).show(self.files.files, self.files.room)

    @on(AttachmentTray.Removed)
    def _removed(self, event: AttachmentTray.Removed) -> None:
        event.stop()
        self._remove_file(event.index)

    @on(AttachmentTray.Opened)
    def _opened(self, event: AttachmentTray.Opened) -> None:
        event.stop()
        self._preview(event.index)

    def _preview(self, index: int = -1) -> None:
        """Look at a file that goes along."""
        from mistral_tui.tui.prompt.preview import Preview

        if self.files.files:
            self.app.push_screen(Preview(self.files.files[index]))
        else:
            self._say("no file goes along with this prompt")

    @on(PromptInput.PathsPasted)
    def _paths_pasted(self, event: PromptInput.PathsPasted) -> None:
        event.stop()
        self.run_worker(self.attach(event.paths, event.text))

    # Completion

    @on(PromptInput.Changed)
    def _changed(self) -> None:
        self._count_soon()
        self._complete()

    def _complete(self) -> None:
        prompt = self.prompt
        typed = prompt.before_cursor
        word = None if prompt.text == prompt.put_in else word_at(typed, prompt.cursor_location[0])
        self._word = word
        if word is None or word.kind != "name":
            self._names.forget()
        if word is None:
            self.completion.close()
        elif word.kind == "command":
            commands = commands_like(word)
            # A command that is typed in full is one, and the slash alone may become anything.
            whole = len(typed) < 2 or (bool(commands) and commands[0].text.split()[0] == typed)
            self.completion.show(commands, typed, whole)
        elif word.kind == "name":
            self.run_worker(self._find_names(word, typed), group="files", exclusive=True)
        else:
            self.run_worker(self._find_files(word, typed), group="files", exclusive=True)

    async def _find_names(self, word: Word, typed: str) -> None:
        found = await self._names.like(word)
        if self._word == word:
            self.completion.show(found, typed, whole=not word.query)

    async def _find_files(self, word: Word, typed: str) -> None:
        found = await asyncio.to_thread(self._search.matches, word.query)
        if self._word == word:
            self.completion.show([Choice(path, goes_on=path.endswith("/")) for path in found], typed)

    @on(CompletionList.Accepted)
    def _accepted(self, event: CompletionList.Accepted) -> None:
        event.stop()
        word, choice, prompt = self._word, event.choice, self.prompt
        if word is None:
            return
        row, column = prompt.cursor_location
        text = choice.text
        if word.kind == "command":
            text = text.split()[0] + " " * choice.goes_on
        elif word.kind == "mention":
            # A folder with a space in its name goes on in quotes, or it would end there.
            mark = '@"' if " " in text else "@"
            text = mark + text if choice.goes_on else f"{Path(text).name} "
            if not choice.goes_on:
                self.run_worker(self.attach([self._search.folder / Path(choice.text).expanduser()]))
        prompt.replace(text, (row, word.column), (row, column), maintain_selection_offset=False)
        if event.send and not choice.goes_on and word.kind != "mention":
            prompt.call_later(prompt.action_send)  # what the box itself posts there does not reach the pane

    # The count of tokens

    def _count_soon(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        text = self.prompt.text.strip()
        if not text or text[0] in "/\\":
            self._tokens = ""
            self._show_title()
            return
        self._pause = self.set_timer(_PAUSE, self._count)

    def _count(self) -> None:
        self.run_worker(self._count_tokens(), group="count", exclusive=True)

    async def _count_tokens(self) -> None:
        text = self.prompt.full_text
        count = await self.files.count_text(text)
        if text == self.prompt.full_text:
            self._tokens = f"{count} tokens" if count.tokens != 1 else f"{count} token"
            self._show_title()

    @on(PromptInput.ModeChanged)
    def _mode_changed(self, event: PromptInput.ModeChanged) -> None:
        event.stop()
        self._show_title()

    def _show_title(self) -> None:
        editing = f"editing the {self._editing} · enter makes a branch · esc leaves it" if self._editing else ""
        vim = self.prompt.vim
        # At the edge and of one length: it does not move, and moves nothing.
        mode = "" if vim is None else vim.mode.upper()
        words = filter(None, (editing, self._tokens, _MORE if self._more_below else "", mode))
        self.query_one(".prompt-box").border_title = " · ".join(words)

    def _say(self, text: str) -> None:
        self.post_message(self.Hint(self, text))
