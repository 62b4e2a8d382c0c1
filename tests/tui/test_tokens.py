"""The tokens of a reply on screen: their colours, their alternatives, and going on from one of these."""

import pytest
from textual.pilot import Pilot

from mistral_tui.chat.token_scores import ScoredReply
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.chat.message import MessageView
from mistral_tui.tui.chat.token_panel import TokenPanel
from mistral_tui.tui.chat.token_rows import token_rows
from tests.stubs.engines import FakeEngine, FakePool, Reply
from tests.stubs.tokens import scored, told
from tests.tui.harness import app_with, ask, paste_and_send, screen_rows, started, until

pytestmark = pytest.mark.core

TOKENS = told(
    scored("The", " Tides", probability=0.95),
    scored(" tide", " sea", " ocean", probability=0.7),
    scored(" rises", " falls", probability=0.4),
    scored(".", "\n", probability=0.97),
    scored("<|im_end|>", " It", probability=0.9, control=True),
)


def on_screen(app: MistralApp) -> str:
    return "\n".join(screen_rows(app.screen))


def replies(app: MistralApp) -> list[str]:
    return [message.text for message in app.pane.transcript.messages if message.role == "assistant"]


async def watched(pilot: Pilot[None]) -> MistralApp:
    """Have a reply whose tokens are watched, and point at the first that was a choice."""
    app = await started(pilot)
    await paste_and_send(pilot, "/tokens")
    await ask(pilot, "a", paste_and_send)
    await pilot.press("alt+m", "t")
    await until(pilot, lambda: app.pane.query_one(TokenPanel).has_focus and "token 3/5" in on_screen(app))
    return app


async def test_tokens_are_shown_with_their_alternatives() -> None:
    engine = FakeEngine([Reply(TOKENS)])
    async with app_with(pool=FakePool(engine)).run_test(size=(80, 24)) as pilot:
        app = await watched(pilot)
        assert engine.requests[0].sampling.top_logprobs > 0
        assert "<|im_end|>" in on_screen(app)
        assert "“ rises”" in on_screen(app) and "40.0%" in on_screen(app)
        assert "“ falls”" in on_screen(app) and "20.0%" in on_screen(app)
        for key, place in (("left", 2), ("home", 1), ("left", 1), ("end", 5), ("right", 5), ("shift+left", 3)):
            await pilot.press(key)
            await until(pilot, lambda place=place: f"token {place}/5" in on_screen(app))  # type: ignore[misc]
        view = app.pane.transcript.query(MessageView).last()
        assert view.look.token == 2
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.transcript.has_focus and "token 3/5" not in on_screen(app))
        assert view.look.token is None


async def test_a_reply_goes_on_from_an_alternative_as_another_branch() -> None:
    engine = FakeEngine([Reply(TOKENS), Reply(told(" is", " wet."))])
    async with app_with(pool=FakePool(engine)).run_test(size=(80, 24)) as pilot:
        app = await watched(pilot)
        await pilot.press("left", "down", "enter")
        await until(pilot, lambda: replies(app) == ["The ocean is wet."] and not app.pane.chat.busy)
        assert engine.requests[1].continues
        assert engine.requests[1].messages[-1].text == "The ocean"
        await until(pilot, lambda: "2/2" in on_screen(app) and app.pane.prompt.has_focus)
        await pilot.press("alt+m", "left")
        await until(pilot, lambda: replies(app) == ["The tide rises."])


async def test_a_mark_is_no_way_to_go_on() -> None:
    async with app_with(Reply(TOKENS)).run_test(size=(80, 24)) as pilot:
        app = await watched(pilot)
        await pilot.press("end", "up", "enter")
        await until(pilot, lambda: "that token is a mark" in on_screen(app))
        assert len(app.pane.chat.conversation) == 2


async def test_a_reply_goes_on_instead_of_ending() -> None:
    async with app_with(Reply(TOKENS), Reply(told(" falls."))).run_test(size=(80, 24)) as pilot:
        app = await watched(pilot)
        await pilot.press("end", "enter")
        await until(pilot, lambda: replies(app) == ["The tide rises. It falls."])


async def test_tokens_that_were_not_watched_are_not_known_and_it_is_said_what_to_do() -> None:
    async with app_with(Reply(["plain"]), Reply(TOKENS)).run_test(size=(80, 24)) as pilot:
        app = await started(pilot)
        await ask(pilot, "a", paste_and_send)
        await pilot.press("alt+m", "t")
        await until(pilot, lambda: "alt+t watches them" in on_screen(app))
        await pilot.press("alt+t", "t")
        await until(pilot, lambda: "r writes it again, with them" in on_screen(app))
        await pilot.press("r")
        await until(pilot, lambda: "<|im_end|>" in on_screen(app))
        await pilot.press("alt+t")
        await until(pilot, lambda: "<|im_end|>" not in on_screen(app) and "no longer watched" in on_screen(app))


async def test_another_chat_closes_the_tokens() -> None:
    async with app_with(Reply(TOKENS)).run_test(size=(80, 24)) as pilot:
        app = await watched(pilot)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not app.pane.query_one(TokenPanel).display and app.pane.prompt.has_focus)


@pytest.mark.parametrize("width", [1, 5, 20, 100])
def test_tokens_fit_into_the_column_and_each_has_a_place(width: int) -> None:
    texts = [
        "Hello",
        " world",
        "\n\n",
        "日本語",
        " of",
        " a_very_long_token_that_fits_nowhere",
        "\t",
        "",
        "🙂",
        "\x1b[31m",
    ]
    laid = token_rows(ScoredReply("It began.", [scored(text) for text in texts]), width)
    assert len(laid.places) == len(texts)
    for row in laid.rows:
        assert row.content.cell_length <= max(width, 2)
        assert "\x1b" not in row.content.plain
    for place in laid.places:
        assert 0 <= place.row < len(laid.rows) or place.start == place.end
        assert place.end <= len(laid.rows[min(place.row, len(laid.rows) - 1)].content.plain)


def test_a_long_reply_is_laid_out_once_and_not_at_every_step_of_the_cursor() -> None:
    laid = token_rows(ScoredReply(tokens=[scored(f" word{number}") for number in range(5_000)]), 80)
    assert len(laid.places) == 5_000
    assert laid.places[-1].row == len(laid.rows) - 1
