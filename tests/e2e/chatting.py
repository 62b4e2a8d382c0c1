"""Chats with a real model in a real pseudo-terminal: prompts are typed, replies are read from the database."""

from collections.abc import Callable

from mistral_tui.types.messages import Message
from tests.e2e.program import stored_messages
from tests.e2e.terminal import Terminal

Start = Callable[..., Terminal]
"""Starts the interface, with these arguments, in a terminal of this size."""
LONG = "Tell me a very long story about a dragon and a princess."


def ask(terminal: Terminal, prompt: str) -> None:
    terminal.type(prompt)
    terminal.wait_for(prompt)
    terminal.press("enter")


def replies() -> list[Message]:
    return [message for message in stored_messages() if message.role == "assistant"]


def wait_for_reply(terminal: Terminal, number: int = 1) -> Message:
    """Wait until the `number`-th reply has ended, and return it."""
    terminal.wait_until(lambda: len(replies()) >= number and replies()[number - 1].finish, f"reply {number}")
    return replies()[number - 1]


def wait_for_words(terminal: Terminal, count: int, number: int = 1) -> Message:
    """Wait until so many words of the `number`-th reply are stored, and return what there is of it."""
    terminal.wait_until(
        lambda: len(replies()) >= number and len(replies()[number - 1].text.split()) >= count,
        f"{count} words of reply {number}",
    )
    return replies()[number - 1]


def open_latest_session(terminal: Terminal, title: str) -> None:
    """Open the first session of the list, which is folded on a screen of 80 columns."""
    terminal.press("f2")
    terminal.wait_for(title)
    terminal.press("home", "enter")
