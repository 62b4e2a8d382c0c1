"""Messages as pictures: chosen, with branches, folded, saved, as tokens with their alternatives."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.live import LiveChat
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.types.events import ReplyStarted
from mistral_tui.types.messages import Message, Role, TextPart, Usage
from tests.stubs.engines import FakeEngine
from tests.stubs.tokens import scored, texts
from tests.tui.harness import DOCUMENT, app_with, started, until

pytestmark = pytest.mark.core

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
NOON = 1_700_049_600.0
TOKENS = [
    scored("The", " Because", "Tides", probability=0.95),
    scored(" Moon", " ocean", " water", " Sun", probability=0.7),
    scored(" pulls", " draws", " attracts", " lifts", " moves", probability=0.4),
    scored(" the", " on", probability=0.93),
    scored(" water", " sea", " ocean", " oceans", " tide", probability=0.25),
    scored(",", " of", ".", probability=0.62),
    scored(" and", probability=0.97),
    scored(" it", " the", probability=0.5),
    scored(" rises", " bulges", probability=0.91),
    scored(".", " twice", probability=0.92),
]


def said(role: Role, text: str) -> Message:
    usage = Usage(completion_tokens=128, time_to_first_token=0.31, decode_rate=42.5) if role == "assistant" else None
    return Message(
        role,
        (TextPart(text),),
        created_at=NOON,
        model="fake-1M",
        usage=usage,
        finish="stop" if role == "assistant" else None,
    )


async def showing(pilot: Pilot[None]) -> MistralApp:
    """Show a chat with two branches and a reply whose tokens are known, and go to its messages."""
    app = await started(pilot)
    conversation = Conversation()
    conversation.append(said("user", "What makes the tides?"))
    first = conversation.append(said("assistant", "It is the Moon."))
    conversation.select(conversation.parent_id(first.id))
    conversation.append(said("assistant", DOCUMENT))
    conversation.append(said("user", "In one line, please."))
    reply = conversation.append(said("assistant", "".join(texts(TOKENS))))

    async def get_engine(chat: object, on_progress: object) -> FakeEngine:
        return FakeEngine()

    chat = LiveChat(conversation, get_engine, app.workspace.request)
    chat.scores.follow(ReplyStarted(Message("assistant", (), id=reply.id)))
    for token in TOKENS:
        chat.scores.follow(token)
    await app.pane.show_chat(chat)
    await until(pilot, lambda: app.pane.transcript.children and app.pane.transcript.at_end)
    await until(pilot, lambda: app.pane.transcript.scroll_y > 0 or pilot.app.size.height > 30)
    await pilot.press("alt+m", "end")
    await until(pilot, lambda: app.pane.transcript.chosen)
    return app


async def branch(pilot: Pilot[None]) -> None:
    app = await showing(pilot)
    await pilot.press("up", "up")
    await until(pilot, lambda: app.pane.transcript.chosen and app.pane.transcript.chosen.text == DOCUMENT)


async def folded(pilot: Pilot[None]) -> None:
    await branch(pilot)
    await pilot.press("space")


async def tokens(pilot: Pilot[None]) -> None:
    app = await showing(pilot)
    await pilot.press("t", "right", "right", "down")
    await until(pilot, lambda: app.pane.query_one(TokenPanel).has_focus)


async def saving(pilot: Pilot[None]) -> None:
    await branch(pilot)
    await pilot.press("s")
    await until(pilot, lambda: pilot.app.screen.query("#save-code"))


@pytest.mark.parametrize(("size", "theme"), [("80x24", "mistral-dark"), ("120x36", "mistral-light")])
@pytest.mark.parametrize("scene", [branch, folded, tokens, saving], ids=lambda scene: scene.__name__)
def test_looks_as_accepted(
    scene: Callable[[Pilot[None]], Awaitable[None]], size: str, theme: str, snap_compare: Callable[..., bool]
) -> None:
    assert snap_compare(app_with(theme=theme), terminal_size=SIZES[size], run_before=scene)
