"""A list of things to set, each edited in place: the screen of the settings, and that of a chat's parameters."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mistral_tui.config.setting import Setting
from mistral_tui.tui.actions import bindings
from mistral_tui.tui.dialog import Dialog
from mistral_tui.tui.field import Field
from mistral_tui.tui.key_hint import KeyHint
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.text import printable_line

_NAME = 24
_VALUE = 28


@dataclass(frozen=True)
class FieldState:
    """One of them, as it is now."""

    setting: Setting
    value: str
    """As it is typed; empty: what counts otherwise."""
    source: str = ""
    """Where the value comes from, if that is worth saying."""
    do: "Callable[[], Awaitable[str | Fields | None]] | None" = None
    """What enter does instead of editing: it returns what to say, or further fields to show, or that these have had
    their day. Raises `MistralTuiError` where it cannot be done."""


class Fields(Protocol):
    """What is set, and how."""

    @property
    def title(self) -> str:
        """What they are about."""

    def all(self) -> list[FieldState]:
        """Return them all, those of a group together."""

    def check(self, name: str, text: str) -> None:
        """Raise `InvalidRequest` if a field cannot have this value; an empty one is the default."""

    async def save(self, name: str, text: str) -> str:
        """Set a field and return what to say about it; an empty text is the default.

        Raises:
            MistralTuiError: It cannot be set.
        """


class FieldRows(OptionList, inherit_bindings=False):
    """The rows; they never have the focus, and the keys that move in them are those of the screen."""

    can_focus = False


class FieldsScreen(Dialog[None], inherit_bindings=False):
    """Lets the person search, look, and set.

    What is typed searches; enter edits the field that is marked, and enter again sets it.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("fields")
    AUTO_FOCUS = "#fields-search"

    def __init__(self, fields: Fields) -> None:
        super().__init__()
        self._fields = fields
        self._all: list[FieldState] = []
        self._shown: list[FieldState | None] = []
        """The field of each row; `None`: a heading."""
        self._edited: FieldState | None = None

    def compose(self) -> ComposeResult:
        """Lay out search, rows, and what is known of the one that is marked."""
        with Vertical(classes="dialog", id="fields"):
            yield Static(self._fields.title, classes="dialog-title", markup=False)
            yield Field("type to search", id="fields-search")
            yield FieldRows(id="fields-rows", markup=False)
            yield Static(id="fields-about", markup=False)
            yield Field(id="fields-value")
            yield Static(id="fields-problem", markup=False)
            yield KeyHint(id="fields-hint")

    def on_mount(self) -> None:
        """Show all fields."""
        self._all = self._fields.all()
        self._show()
        self._edit(None)

    # Actions

    def action_move(self, rows: int) -> None:
        """Mark another field."""
        if self._edited is not None:
            return
        step = 1 if rows > 0 else -1
        for _ in range(abs(rows)):
            index = self._rows.highlighted if self._rows.highlighted is not None else -step
            ahead = range(index + step, len(self._shown) if step > 0 else -1, step)
            following = next((each for each in ahead if self._shown[each] is not None), None)
            if following is None:
                break
            self._rows.highlighted = following

    def action_leave(self) -> None:
        """Leave the field as it is, or the search, or the screen."""
        search = self.query_one("#fields-search", Input)
        if self._edited is not None:
            self._edit(None)
        elif search.value:
            search.value = ""
        else:
            self.dismiss(None)

    async def action_enter(self) -> None:
        """Edit the field that is marked, or set the one that is edited."""
        if self._edited is not None:
            await self._set(self._edited)
        elif self._marked is not None:
            self._begin(self._marked)

    # Messages

    @on(Input.Changed, "#fields-search")
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._edited is None and self._marked is not None:
            self._begin(self._marked)

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._describe()

    @on(Input.Changed, "#fields-value")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._say("" if self._edited is None else self._problem(event.value))

    # Within

    def _begin(self, field: FieldState) -> None:
        """Edit a field, or do what it stands for, which may take its time."""
        if field.do is None:
            self._edit(field)
        else:
            self._say("…", wrong=False)
            self.run_worker(self._do(field.setting.name, field.do), exclusive=True)

    async def _do(self, name: str, do: "Callable[[], Awaitable[str | Fields | None]]") -> None:
        try:
            done = await do()
        except MistralTuiError as error:
            self._say(str(error))
            return
        if done is None:
            self.dismiss(None)
        elif isinstance(done, str):
            self._say(done, wrong=False)
        else:
            self._say("")
            await self.app.push_screen_wait(FieldsScreen(done))
            self._all = self._fields.all()
            self._show(name)

    async def _set(self, edited: FieldState) -> None:
        text = self.query_one("#fields-value", Input).value.strip()
        if problem := self._problem(text):
            self._say(problem)
            return
        try:
            said = await self._fields.save(edited.setting.name, text)
        except MistralTuiError as error:
            self._say(str(error))
            return
        self._all = self._fields.all()
        self.query_one(".dialog-title", Static).update(self._fields.title)
        self._edit(None)
        self._show(edited.setting.name)
        self._say(said, wrong=False)

    @property
    def _rows(self) -> FieldRows:
        return self.query_one(FieldRows)

    @property
    def _marked(self) -> FieldState | None:
        index = self._rows.highlighted
        return None if index is None or index >= len(self._shown) else self._shown[index]

    def _show(self, marked: str = "") -> None:
        """Show the fields that are searched for, and mark the one of this name, else the first."""
        words = self.query_one("#fields-search", Input).value.lower().split()
        found = [each for each in self._all if all(word in _searchable(each) for word in words)]
        self._shown = []
        options: list[Option] = []
        group = ""
        for each in found:
            if each.setting.group != group:
                group = each.setting.group
                self._shown.append(None)
                options.append(Option(Content.styled(group.lower(), "$text-muted"), disabled=True))
            self._shown.append(each)
            options.append(Option(_row(each)))
        self._rows.clear_options()
        self._rows.add_options(options)
        wanted = [index for index, shown in enumerate(self._shown) if shown is not None]
        same = [index for index in wanted if (shown := self._shown[index]) and shown.setting.name == marked]
        self._rows.highlighted = next(iter([*same, *wanted]), None)
        self._describe()

    def _describe(self) -> None:
        marked = self._marked
        if marked is None:
            self.query_one("#fields-about", Static).update("nothing is called like that; esc shows all")
            return
        setting = marked.setting
        if self._edited is None:
            enter = "edits" if marked.do is None else "goes on"
            self.query_one("#fields-hint", Static).update(f"enter {enter} · ↑↓ moves · esc closes")
        if marked.do is not None:
            self.query_one("#fields-about", Static).update(setting.meaning)
            return
        allowed = "" if setting.kind == "text" else f"{setting.allowed}; "
        text = f"{setting.meaning}\n{allowed}unless set: {setting.default}"
        self.query_one("#fields-about", Static).update(text)

    def _edit(self, field: FieldState | None) -> None:
        """Edit a field, or none."""
        self._edited = field
        value = self.query_one("#fields-value", Input)
        value.display = field is not None
        hint = (
            "enter edits · ↑↓ moves · esc closes"
            if field is None
            else "enter sets · empty: the default · esc leaves it"
        )
        self.query_one(KeyHint).say(hint)
        self._say("")
        if field is None:
            self.query_one("#fields-search", Input).focus()
            return
        value.value = field.value
        choices = ("true", "false") if field.setting.kind == "switch" else field.setting.choices
        value.suggester = SuggestFromList(choices) if choices else None
        value.cursor_position = len(field.value)
        value.focus()

    def _problem(self, text: str) -> str:
        if self._edited is None or not text.strip():
            return ""
        try:
            self._fields.check(self._edited.setting.name, text.strip())
        except MistralTuiError as error:
            return str(error)
        return ""

    def _say(self, text: str, wrong: bool = True) -> None:
        problem = self.query_one("#fields-problem", Static)
        problem.update(printable_line(text))
        problem.set_class(wrong, "-wrong")


def _searchable(field: FieldState) -> str:
    setting = field.setting
    return f"{setting.name} {setting.name.replace('_', ' ')} {setting.group} {setting.meaning}".lower()


def _row(field: FieldState) -> Content:
    name = Content(f"  {field.setting.name}").pad_right(max(0, _NAME + 2 - len(field.setting.name) - 2))
    if field.value:
        value = Content(printable_line(field.value))
    else:
        value = Content.styled(field.setting.default, "$text-muted")
    value = value.truncate(_VALUE, ellipsis=True)
    value = value.pad_right(_VALUE - value.cell_length)
    return name + value + Content.styled(f"  {field.source}", "$text-muted")
