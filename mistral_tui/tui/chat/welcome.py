"""What an empty chat shows: what this is, how the model is doing, and the next key to press."""

from dataclasses import dataclass
from typing import Final

from textual.app import RenderResult
from textual.content import Content

from mistral_tui.tui.actions import Action, action, key_label
from mistral_tui.tui.chat.gauge import gauge
from mistral_tui.tui.clickable import Clickable
from mistral_tui.types.text import printable_line

_WHAT = "Talk with models that run on this machine."
_PRIVATE = "A private chat: it is kept in memory only, and gone when you quit."
_KEYS: Final = (
    (action("prompt", "send"), "send"),
    (action("prompt", "new_line"), "break the line"),
    (action("screen", "toggle_chats"), "older chats"),
    (action("app", "command_palette"), "all commands"),
    (action("app", "help"), "help"),
)

_FETCH: Final = action("model", "fetch_starter")
_RETRY: Final = action("pane", "retry")
_MODELS: Final = action("model", "models")


@dataclass(frozen=True)
class ModelState:
    """How the model is doing."""

    name: str = ""
    """Empty: there is no model."""
    detail: str = ""
    """Its size, for instance."""
    loading: float | None = None
    """How much of it is loaded, from 0 to 1; `None`: it is not being loaded."""
    doing: str = ""
    """What the load is at, in words."""
    error: str = ""
    """Why it cannot be used."""
    offer: str = ""
    """The model that could be fetched, when there is none."""
    senses: bool | None = None
    """Whether it takes pictures or recordings; `None`: that is not known yet."""


class Welcome(Clickable):
    """A few calm lines in the empty space."""

    DEFAULT_CSS = "Welcome { height: 1fr; width: 1fr; padding: 0 1; content-align: left middle; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = ModelState()
        self._private = False

    @property
    def state(self) -> ModelState:
        """What is shown."""
        return self._state

    def show(self, state: ModelState) -> None:
        """Say how the model is doing."""
        if state != self._state:
            self._state = state
            self.refresh()

    def show_private(self, private: bool) -> None:
        """Say whether the chat is never stored."""
        if private != self._private:
            self._private = private
            self.refresh()

    def render(self) -> RenderResult:
        """Return the lines."""
        state = self._state
        width = max(10, min(72, self.size.width - 6))
        lines = [
            Content.styled("mistral-tui", "bold $accent"),
            Content.styled(_PRIVATE if self._private else _WHAT, "$text-muted"),
            Content(""),
            *self._model_lines(state, width),
        ]
        lines = [piece for line in lines for piece in (line.wrap(width) if line.cell_length > width else [line])]
        if self.size.height >= len(lines) + len(_KEYS) + 1:
            lines.append(Content(""))
            lines += [self._key(what, "$foreground", words, 8) for what, words in _KEYS if what.keys]
        indent = Content("  ")
        return Content("\n").join([indent + line for line in lines])

    def _model_lines(self, state: ModelState, width: int) -> list[Content]:
        if not state.name:
            if not state.offer:
                return [Content("No model is here yet. Add one to MODEL_INVENTORY.json, or start with -m FILE.")]
            return [
                Content("No model is here yet."),
                self._key(_FETCH, "bold $accent", f"fetches {printable_line(state.offer)}, a small one to begin with"),
                self._key(_MODELS, "bold $accent", "lists all that can be had"),
            ]
        name = self.link_to(_MODELS, Content.styled(printable_line(state.name), "$foreground"))
        name += Content.assemble("  ", (state.detail, "$text-muted"))
        if state.error:
            error = Content.styled(printable_line(state.error), "$text-error")
            return [name, error, self._key(_RETRY, "bold $accent", "tries again")]
        if state.loading is None:
            return [name]
        bar = gauge(state.loading, min(28, width))
        return [name, Content.assemble(bar, "  ", (f"{state.loading:4.0%}  {state.doing}", "$text-muted"))]

    def _key(self, what: Action, style: str, words: str, width: int = 0) -> Content:
        key = key_label(what.keys[0]) if what.keys else f"/{what.slash[0]}" if what.slash else ""
        return self.link_to(what, Content.assemble((f"{key:<{width}}", style), (f" {words}", "$text-muted")))
