"""The most usual tasks, each done in tmux by the keys that the documentation names, with a real model."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message
from tests.e2e.program import database
from tests.e2e.tmux import Tmux

pytestmark = [pytest.mark.core, pytest.mark.requires_program("tmux")]

Start = Callable[..., Tmux]
JAPAN = "What is the capital of Japan?"
DRAWN = set("─│▕┃━╭╮╰╯█▌▆❯●◆▤")  # noqa: RUF001
WEEK = "Name the days of the week."


@pytest.fixture
def start(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start the interface on the real model and wait until it can answer; it ends with the test."""
    for name, value in {"TEMPERATURE": "0", "MAX_TOKENS": "24", "DISCOVER": "none"}.items():
        monkeypatch.setenv(f"MISTRAL_TUI_{name}", value)
    opened = []

    def begin(*arguments: str) -> Tmux:
        screen = Tmux("--threads", "1", "-m", str(smollm2), *arguments)
        opened.append(screen)
        screen.wait_for("Ask anything")
        return screen

    yield begin
    for screen in opened:
        screen.close()


def replies() -> list[Message]:
    """Return the replies of all chats, those of the latest chat first."""
    store = Store(database())
    try:
        messages = [message for session in store.sessions() for message in store.messages(session.id)]
    finally:
        store.close()
    return [message for message in messages if message.role == "assistant"]


def ask(screen: Tmux, prompt: str) -> Message:
    """Send a prompt, and return the reply when it has ended."""
    before = {reply.id for reply in replies()}
    send(screen, prompt)
    return next_reply(screen, before)


def next_reply(screen: Tmux, before: set[str]) -> Message:
    """Wait for the end of a reply that is none of those `before`, and return it."""

    def ended() -> list[Message]:
        return [reply for reply in replies() if reply.finish and reply.id not in before]

    screen.wait_until(ended, "the reply")
    screen.wait_until(lambda: "esc stop" not in screen.text, "the end of the turn on screen")
    return ended()[0]


def send(screen: Tmux, prompt: str) -> None:
    screen.type(prompt)
    screen.wait_for(prompt)
    screen.press("Enter")


def quit_(screen: Tmux) -> None:
    screen.press("C-q")
    assert screen.wait_for_exit() == 0


def test_start_ask_quit_and_come_back(start: Start) -> None:
    screen = start()
    assert "Tokyo" in ask(screen, JAPAN).text
    screen.wait_for(JAPAN, "Tokyo")
    quit_(screen)
    again = start()
    again.press("F2")
    again.wait_for("enter open")
    again.press("Home", "Enter")
    again.wait_for("Tokyo", "enter send")
    ask(again, "And of France?")
    assert JAPAN in again.text


def test_stop_a_reply_and_go_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_TUI_MAX_TOKENS", "2000")
    screen = start()
    send(screen, "Tell me a very long story about a dragon.")
    screen.wait_until(lambda: any(len(reply.text.split()) > 5 for reply in replies()), "some words")
    screen.press("Escape")
    stopped = next_reply(screen, set())
    assert stopped.finish == "cancelled"
    screen.wait_for("enter send", " ".join(stopped.text.split()[:4]))
    assert "Tokyo" in ask(screen, JAPAN).text


def test_go_on_with_another_model(start: Start, smollm2: Path, tmp_path: Path) -> None:
    shutil.copy(smollm2, tmp_path / "second.gguf")
    screen = start("--model-path", str(tmp_path))
    ask(screen, JAPAN)
    screen.press("M-l")
    screen.wait_for("type to find a model")
    screen.type("second")
    screen.wait_until(lambda: "models  1 " in screen.text.splitlines()[0], "the model that is meant")
    screen.press("Enter")
    screen.wait_for("enter send", " second", JAPAN)
    ask(screen, WEEK)
    assert [reply.model for reply in replies()] == [smollm2.stem, "second"]
    screen.wait_for("Tokyo", "Monday")


def test_a_new_chat_and_back(start: Start) -> None:
    screen = start()
    ask(screen, JAPAN)
    screen.press("C-n")
    screen.wait_until(lambda: "Tokyo" not in screen.text, "an empty chat")
    ask(screen, WEEK)
    screen.press("F2")
    screen.wait_for("enter open")
    screen.press("End", "Enter")
    screen.wait_for("Tokyo", "enter send")
    assert "Monday" not in screen.text


def test_search_and_jump(start: Start) -> None:
    screen = start()
    ask(screen, JAPAN)
    screen.press("C-n")
    ask(screen, WEEK)
    send(screen, "/search Tokyo")
    screen.wait_for("found  1", "…of Japan is Tokyo")
    screen.press("Enter")
    screen.wait_for("● The capital of Japan is Tokyo.")
    assert "Wednesday" not in screen.text


def test_edit_a_prompt_and_send_it_again(start: Start) -> None:
    screen = start()
    ask(screen, JAPAN)
    screen.press("M-m")
    screen.wait_for("▌")
    screen.press("Up")
    screen.type("e")
    screen.wait_for("editing the prompt")
    screen.press("C-u")
    ask(screen, WEEK)
    screen.wait_for("2/2", "Monday")
    assert "Tokyo" not in screen.text
    screen.press("M-m")
    screen.wait_for("▌")
    screen.press("Up", "Left")
    screen.wait_for("1/2", "Tokyo")


def test_split_and_ask_in_both(start: Start) -> None:
    screen = start()
    ask(screen, JAPAN)
    screen.press("C-s", "v")
    screen.wait_for("│ new chat")
    ask(screen, WEEK)
    screen.wait_for("Tokyo", "Monday")
    screen.press("C-s", "Left")
    ask(screen, "And of France?")
    screen.wait_for("Tokyo", "Monday", "And of France?")
    assert len(replies()) == 3


def test_attach_a_file(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "atlas.txt").write_text("The capital of Zubrowka is Lutz.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    screen = start()
    screen.type("What is the capital of Zubrowka? @atl")
    screen.wait_for(" atlas.txt")
    screen.press("Tab")
    screen.wait_for("▤ atlas.txt")
    screen.press("Enter")
    assert "Lutz" in next_reply(screen, set()).text
    screen.wait_for(" atlas.txt · ")


def test_export_a_chat(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    screen = start()
    ask(screen, JAPAN)
    send(screen, "/export chat.md")
    screen.wait_for("written:")
    text = (tmp_path / "chat.md").read_text(encoding="utf-8")
    assert JAPAN in text
    assert "Tokyo" in text


def test_change_the_colours_for_good(start: Start) -> None:
    screen = start()
    send(screen, "/theme")
    screen.wait_for("enter keeps them")
    screen.press("Down", "Enter")
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    screen.wait_until(lambda: settings.exists() and "theme" in settings.read_text(encoding="utf-8"), "the setting")
    screen.wait_for("enter send")


def test_with_a_screen_reader_everything_is_plain_lines_in_order(start: Start) -> None:
    screen = start("--screen-reader")
    ask(screen, JAPAN)
    lines = [line.strip() for line in screen.text.splitlines() if line.strip()]
    assert lines[:4] == ["You:", JAPAN, "The model:", "The capital of Japan is Tokyo."]
    assert not DRAWN & set(screen.text), set(screen.text)
    screen.press("F1")
    screen.wait_for("help")
    assert not DRAWN & set(screen.text), set(screen.text)
    screen.press("Escape")
    screen.wait_for("Tokyo")
    quit_(screen)
