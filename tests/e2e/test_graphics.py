"""Pictures as the terminal itself draws them: what terminals that can do so are sent, and what the others are not."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.store.store import Store
from mistral_tui.types.messages import ImagePart, Message, TextPart
from mistral_tui.types.sessions import Session
from tests.e2e.program import database
from tests.e2e.terminal import Terminal
from tests.stubs.media import png, stripes

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

HALF_CELL = "▀"
PLACEHOLDER = "\U0010eeee"
KITTY = {rb"\x1b\[c": b"\x1b[?62;c", rb"\x1b_Gi=(\d+),s=1,v=1,a=q[^\x1b]*\x1b\\": b"\x1b_Gi=\\1;OK\x1b\\\\"}
"""What a terminal is asked, and what it answers."""
SIXEL = {rb"\x1b\[c": b"\x1b[?62;4;22c"}
PLAIN = {rb"\x1b\[c": b"\x1b[?6c"}
"""As one that draws no pictures, or another program in between that lets no others through."""
CELLS = {rb"\x1b\[16t": b"\x1b[6;20;10t"}

_SIXELS = re.compile(rb"\x1bP[0-9;]*q[^\x1b]*\x1b\\")


class AnsweringTerminal(Terminal):
    """A terminal that answers what it is asked, once each."""

    answers: ClassVar[dict[bytes, bytes]] = {}

    def read_raw(self, seconds: float) -> None:
        super().read_raw(seconds)
        for question, answer in list(self.answers.items()):
            if asked := re.search(question, self.raw):
                del self.answers[question]
                self._write(asked.expand(answer))


@pytest.fixture
def chat_with_picture(tmp_path: Path) -> None:
    """Store a chat with a picture in it, and want pictures as graphics."""
    pytest.importorskip("textual_image")
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.parent.mkdir(parents=True)
    settings.write_text("pictures = true\n", encoding="utf-8")
    (tmp_path / "cat.png").write_bytes(png(stripes, 64, 48))
    cat = ImagePart(str(tmp_path / "cat.png"), "image/png", "cat.png", 64, 48)
    conversation = Conversation(Session(title="Cats"))
    messages = [
        conversation.append(Message("user", (cat, TextPart("Who is this?")))),
        conversation.append(Message("assistant", (TextPart("A **cat**."),), finish="stop")),
    ]
    store = Store(database())
    try:
        store.save(conversation.session, messages)
    finally:
        store.close()


@pytest.fixture
def start(chat_with_picture: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AnsweringTerminal]]:
    """Start the program in a terminal with these answers, and open the chat."""
    terminals = []

    def begin(answers: dict[bytes, bytes]) -> AnsweringTerminal:
        monkeypatch.setattr(AnsweringTerminal, "answers", {**CELLS, **answers})
        terminal = AnsweringTerminal.mistral_tui()
        terminals.append(terminal)
        open_chat(terminal)
        return terminal

    yield begin
    for terminal in terminals:
        terminal.close()


def open_chat(terminal: Terminal) -> None:
    terminal.wait_for("f1 help")
    terminal.press("f2")
    terminal.wait_for("Cats")
    terminal.press("enter")
    terminal.wait_for("Who is this?")


def leave(terminal: Terminal) -> None:
    terminal.press("ctrl+q")
    assert terminal.wait_for_exit() == 0


def pictures_sent(raw: bytes | bytearray) -> list[tuple[int, str]]:
    """Return what a terminal of Kitty was told: the numbers of pictures, and whether to keep, place or forget each."""
    told: list[tuple[int, str]] = []
    for keys in re.findall(rb"\x1b_G([^;\x1b]*)", raw):
        values = dict(pair.split("=") for pair in keys.decode().split(",") if pair)
        if values.get("a") == "q" or "i" not in values:
            continue
        kind = {None: "kept", "p": "placed", "d": "forgotten"}[values.get("a")]
        if (int(values["i"]), kind) not in told or kind != "kept":
            told.append((int(values["i"]), kind))
    return told


def test_kitty_is_sent_a_picture_once_and_forgets_it(start: Callable[..., AnsweringTerminal]) -> None:
    terminal = start(KITTY)
    terminal.wait_until(lambda: terminal.text.count(PLACEHOLDER) == 27 * 10, "the placeholders")
    sent = pictures_sent(terminal.raw)
    (number,) = {number for number, _ in sent}
    assert [kind for _, kind in sent] == ["kept", "placed"]
    assert HALF_CELL not in terminal.text
    colour = f"38;2;{number >> 16};{number >> 8 & 255};{number & 255}".encode()
    assert colour in terminal.raw
    # Moving about sends nothing again, and what lies over the picture takes no harm.
    terminal.press("f1", "esc")
    terminal.press("pageup", "f2", "esc")
    terminal.read_for(0.3)
    assert pictures_sent(terminal.raw) == sent
    leave(terminal)
    assert pictures_sent(terminal.raw) == [*sent, (number, "forgotten")]


def test_a_terminal_with_sixels_is_sent_them(start: Callable[..., AnsweringTerminal]) -> None:
    terminal = start(SIXEL)
    terminal.wait_until(lambda: _SIXELS.search(terminal.raw), "the sixels")
    assert b"\x1b_Ga=" not in terminal.raw
    row = next(y for y, line in enumerate(terminal.lines) if "cat.png" in line)
    column = terminal.lines[row].index("cat.png") - len("x ")
    assert b"\x1b[%d;%dH\x1bP" % (row + 2, column + 1) in terminal.raw, "below its name"
    assert HALF_CELL not in terminal.text
    assert PLACEHOLDER not in terminal.text
    terminal.read_for(0.3)
    sent = len(_SIXELS.findall(terminal.raw))
    assert sent <= 3
    terminal.press("ctrl+n")
    terminal.wait_until(lambda: "Who is this?" not in terminal.text, "the new chat")
    terminal.read_for(0.3)
    assert len(_SIXELS.findall(terminal.raw)) == sent
    leave(terminal)


def test_other_terminals_draw_half_cells(start: Callable[..., AnsweringTerminal]) -> None:
    terminal = start(PLAIN)
    terminal.wait_until(lambda: HALF_CELL * 27 in terminal.text, "the picture in cells")
    assert not pictures_sent(terminal.raw)
    assert not _SIXELS.search(terminal.raw)
    leave(terminal)


@pytest.mark.requires_program("tmux")
def test_in_tmux_no_graphics_are_sent(chat_with_picture: None, tmp_path: Path) -> None:
    """It swallows what asks for Kitty's protocol, and says itself whether it draws Sixels."""
    tmux = shutil.which("tmux")
    assert tmux is not None
    server = [tmux, "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    program = f"{sys.executable} -m mistral_tui"
    with AnsweringTerminal([*server, "new-session", "-x", "120", "-y", "36", program]) as terminal:
        AnsweringTerminal.answers = dict(PLAIN)
        try:
            open_chat(terminal)
            terminal.wait_until(lambda: HALF_CELL * 27 in terminal.text, "the picture in cells")
            assert b"\x1b_G" not in terminal.raw
            assert PLACEHOLDER not in terminal.text
        finally:
            subprocess.run([*server, "kill-server"], check=False, capture_output=True)
