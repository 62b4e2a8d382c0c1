"""The line above the list of chats in which a person types what to look for."""

from dataclasses import dataclass

from textual import events
from textual.message import Message

from mistral_tui.tui.field import Field


class SearchBox(Field):
    """One line; what it does not need, such as the arrows, is for the list below it."""

    @dataclass
    class Left(Message):
        """The person wants to go to the list, or through it."""

        box: "SearchBox"
        key: str

        @property
        def control(self) -> "SearchBox":
            """The box that sent this message."""
            return self.box

    def __init__(self, id: str | None = None) -> None:
        super().__init__(placeholder="search", id=id)

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "pageup", "pagedown", "enter"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Left(self, event.key))
        elif event.key == "escape" and self.value:
            event.stop()
            event.prevent_default()
            self.value = ""
        else:
            await super()._on_key(event)
