"""Lines of which parts can be clicked, in their own colours; the part under the mouse is bright."""

from textual import events
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from mistral_tui.tui.actions import Action

_CALL = "call"


def call_under(event: events.MouseEvent) -> str:
    """Return what a click there calls; nothing where nothing is offered."""
    return str(event.style.meta.get(_CALL, ""))


class Clickable(Widget):
    """A widget that draws what `link` returns."""

    ALLOW_SELECT = False

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._pointed = ""
        """What a click would call."""

    def link_to(self, action: Action, content: Content) -> Content:
        """Let a click on this do an action, by its key where only who has the focus knows how."""
        everywhere = action.binding_call.startswith(("app.", "screen."))
        return self.link(action.binding_call if everywhere else f"press({action.keys[0]!r})", content)

    def link(self, call: str, content: Content) -> Content:
        """Let a click on this call an action."""
        style = Style.from_meta({_CALL: call})
        return content.stylize(style + Style.parse("$accent") if call == self._pointed else style)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Brighten what is under the mouse."""
        self._point_at(call_under(event))

    def on_click(self, event: events.Click) -> None:
        """Do what is offered under the mouse."""
        if call := call_under(event):
            event.stop()
            # By the app, as keys are: what is called may take this widget away.
            self.app.call_next(self.app.run_action, call, self)

    def on_leave(self) -> None:
        """Nothing is under the mouse any more."""
        self._point_at("")

    def action_press(self, key: str) -> None:
        """Do what a key does, where the person is."""
        self.app.simulate_key(key)

    def _point_at(self, call: str) -> None:
        if call != self._pointed:
            self._pointed = call
            self.refresh()
