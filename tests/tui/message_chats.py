"""Chats whose messages are chosen and changed, and what is to be seen of them."""

from textual.pilot import Pilot

from mistral_tui.tui.app import MistralApp
from tests.tui.harness import ask, paste_and_send, screen_rows, started, until


def said(app: MistralApp) -> list[str]:
    """Return what the transcript shows of the chat."""
    return [message.text for message in app.pane.transcript.messages]


def chosen(app: MistralApp) -> str | None:
    message = app.pane.transcript.chosen
    return None if message is None else message.text


def on_screen(app: MistralApp) -> str:
    return "\n".join(screen_rows(app.screen))


async def chat_of(pilot: Pilot[None], *prompts: str) -> MistralApp:
    """Have a chat, and go to its messages: the last one is chosen."""
    app = await started(pilot)
    for prompt in prompts:
        await ask(pilot, prompt, paste_and_send)
    await pilot.press("alt+m")
    await until(pilot, lambda: app.pane.transcript.chosen)
    return app


async def idle(pilot: Pilot[None], count: int) -> None:
    """Wait until the chat has so many messages in all branches, and answers no longer."""
    app = pilot.app
    assert isinstance(app, MistralApp)
    await until(
        pilot,
        lambda: (
            len(app.pane.chat.conversation) == count and not app.pane.chat.busy and not app.pane.status.figures.state
        ),
        f"{count} messages",
    )
