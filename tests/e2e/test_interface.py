"""The whole program with a real model in a real pseudo-terminal: chat, stop, resize, kills, resume."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.store.store import Store
from mistral_tui.types.messages import Message, TextPart
from mistral_tui.types.sessions import Session
from tests.e2e import damage
from tests.e2e.chatting import LONG, Start, ask, open_latest_session, replies, wait_for_reply, wait_for_words
from tests.e2e.program import database
from tests.e2e.terminal import wait_for_ends

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]


def test_a_chat_of_two_turns_reuses_what_it_computed(start: Start) -> None:
    terminal = start()
    ask(terminal, "What is the capital of Japan?")
    terminal.wait_for("Tokyo")
    first = wait_for_reply(terminal).usage
    ask(terminal, "Name the days of the week.")
    terminal.wait_for("Wednesday")
    second = wait_for_reply(terminal, 2).usage
    assert first is not None
    assert second is not None
    assert first.cached_tokens == 0
    assert second.cached_tokens >= first.context_tokens - 1
    terminal.press("ctrl+q")
    assert terminal.wait_for_exit() == 0, terminal.text


def test_a_prompt_typed_while_the_model_loads_is_answered(start: Start) -> None:
    terminal = start()
    terminal.type("What is the capital of Japan?")
    terminal.press("enter")
    terminal.wait_for("Tokyo")


def test_esc_keeps_what_was_said_and_the_chat_goes_on(start: Start) -> None:
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 10)
    terminal.press("esc")
    reply = wait_for_reply(terminal)
    assert reply.finish == "cancelled"
    assert len(reply.text.split()) >= 10
    terminal.wait_for(" ".join(reply.text.split()[:4]))
    ask(terminal, "What is the capital of Japan?")
    assert wait_for_reply(terminal, 2).finish == "stop"


def test_the_screen_follows_the_size_of_the_terminal(start: Start) -> None:
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 10)
    for rows, columns in ((50, 160), (10, 40), (24, 80)):  # the last without the list: it would stand between the words
        terminal.resize(rows, columns)
        # The reply may have ended meanwhile.
        terminal.wait_until(
            lambda: terminal.lines[-1].startswith((" esc stop", " enter send")), f"the footer at {columns} x {rows}"
        )
    terminal.press("esc")
    words = wait_for_reply(terminal).text.split()
    terminal.wait_for(" ".join(words[-3:]))


def test_the_death_of_the_worker_costs_no_word(start: Start) -> None:
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 10)
    (worker,) = terminal.workers()
    worker.kill()
    reply = wait_for_reply(terminal)
    assert reply.finish == "failed"
    assert len(reply.text.split()) >= 10
    assert reply.error is not None
    assert "SIGKILL" in reply.error
    terminal.wait_for("was killed by SIGKILL")
    ask(terminal, "What is the capital of Japan?")
    assert wait_for_reply(terminal, 2).finish == "stop"
    (successor,) = terminal.workers()
    assert successor.pid != worker.pid


def test_a_model_file_that_is_cut_while_it_is_in_use_costs_one_reply(
    start: Start, smollm2: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copy(smollm2, tmp_path / "cut.gguf"))
    terminal = start("--threads", "1", "-m", str(model))
    ask(terminal, LONG)
    wait_for_words(terminal, 5)
    os.truncate(model, 2**20)
    reply = wait_for_reply(terminal)
    assert reply.finish == "failed"
    assert "SIGBUS" in (reply.error or "")
    terminal.wait_for("SIGBUS")
    shutil.copy(smollm2, model)
    ask(terminal, "What is the capital of Japan?")
    assert wait_for_reply(terminal, 2).finish == "stop"


def test_a_kill_of_the_program_leaves_no_process_and_loses_no_text(start: Start) -> None:
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 15)
    family = terminal.family()
    assert len(family) == 2
    terminal.kill()
    wait_for_ends(family, patience=2)
    (reply,) = replies()
    assert len(reply.text.split()) >= 15

    again = start(columns=80)
    open_latest_session(again, LONG[:16])
    again.wait_for(" ".join(reply.text.split()[:5]))
    ask(again, "What is the capital of Japan?")
    assert wait_for_reply(again, 2).finish == "stop"


def test_ctrl_c_stops_a_reply_first_and_quits_when_pressed_twice(start: Start) -> None:
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 5)
    terminal.press("ctrl+c")
    assert wait_for_reply(terminal).finish == "cancelled"
    terminal.wait_until(lambda: "answering" not in terminal.text, "the end of the turn on screen")
    terminal.press("ctrl+c")
    terminal.wait_for("ctrl+c again quits")
    terminal.press("ctrl+c")
    assert terminal.wait_for_exit() == 0


def test_leaving_in_the_middle_of_a_reply_keeps_it_and_leaves_no_process(start: Start) -> None:
    terminal = start()
    ask(terminal, LONG)
    wait_for_words(terminal, 10)
    family = terminal.family()
    terminal.press("ctrl+q")
    assert terminal.wait_for_exit() == 0
    wait_for_ends(family, patience=2)
    (reply,) = replies()
    assert reply.finish == "cancelled"
    assert len(reply.text.split()) >= 10


def test_the_terminal_is_given_back_as_it_was(start: Start) -> None:
    terminal = start()
    terminal.press("ctrl+q")
    assert terminal.wait_for_exit() == 0
    raw = bytes(terminal.raw)
    for switched_on, switched_off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1003h", b"\x1b[?1003l")):
        assert raw.count(switched_on) > 0
        assert raw.rindex(switched_off) > raw.rindex(switched_on)
    assert raw.rindex(b"\x1b[?25h") > raw.rindex(b"\x1b[?25l")


HOSTILE = (
    "before \x1b[2J\x1b[31mred\x1b[0m \x1b]0;owned\x07 \x1b]52;c;b3duZWQ=\x07 \x9b31m \x1bP+q544e\x1b\\ \x07\x08\x7f "
    "[bold]no markup[/bold] \u202eright to left after"
)


def test_what_others_wrote_does_not_steer_the_terminal(start: Start) -> None:
    conversation = Conversation(Session())
    conversation.append(Message("user", (TextPart(HOSTILE),)))
    conversation.append(Message("assistant", (TextPart(HOSTILE),), finish="stop", model="evil\x1b[2Jmodel"))
    database().parent.mkdir(parents=True, exist_ok=True)
    store = Store(database())
    store.save(conversation.session, conversation.messages)
    store.close()

    terminal = start(columns=80)
    open_latest_session(terminal, "before")
    terminal.wait_for("[bold]no markup[/bold]")
    terminal.press("ctrl+q")
    terminal.wait_for_exit()
    raw = bytes(terminal.raw)
    for sequence in (b"\x1b[2Jred", b"\x1b[31mred", b"]0;owned", b"]52;c;b3du", b"\xc2\x9b", b"\x1bP+q", b"\x07\x08"):
        assert sequence not in raw
    assert "\u202e".encode() not in raw


def test_an_unusable_model_leaves_the_interface_usable(start: Start, smollm2: Path, tmp_path: Path) -> None:
    path = damage.damaged(smollm2, damage.wrong_magic, tmp_path)
    terminal = start("-m", str(path))
    terminal.wait_for("it is not a GGUF file")
    terminal.type("I can still type")
    terminal.wait_for("I can still type")
    terminal.press("ctrl+q")
    assert terminal.wait_for_exit() == 0


def test_a_model_file_is_opened_as_mistral_rs_names_it(start: Start, smollm2: Path) -> None:
    terminal = start("--n-ctx", "1024", "gguf", "-m", str(smollm2.parent), "-f", smollm2.name)
    ask(terminal, "What is the capital of Japan?")
    reply = wait_for_reply(terminal)
    assert "Tokyo" in reply.text
    assert reply.usage is not None
    assert reply.usage.context_size == 1024


def test_without_a_model_the_starter_is_offered(start: Start, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.json"
    entry = '{"name": "tiny", "path": "tiny.gguf", "format": "gguf", "size_gb": 0.1, "source": "pypi:tiny==1.0"}'
    inventory.write_text(f"[{entry}]", encoding="utf-8")
    terminal = start("--inventory", str(inventory))
    terminal.wait_for("No model is here yet")
    terminal.wait_for("tiny")


def test_in_a_locale_without_its_characters_everything_stays_in_its_place(start: Start) -> None:
    terminal = start(environment={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    terminal.wait_for("the locale says ascii")
    ask(terminal, "What is the capital of Japan?")
    wait_for_reply(terminal)
    terminal.wait_for("Tokyo")
    assert "\\u" not in terminal.text


def test_broken_settings_are_told_and_ignored(start: Start) -> None:
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.write_text("temperature = 0\nn_ctx = 'many'\n", encoding="utf-8")
    terminal = start()
    terminal.wait_for("n_ctx")
    terminal.type("What is the capital of Japan?")  # the notice may cover it
    terminal.press("enter")
    assert "Tokyo" in wait_for_reply(terminal).text
    assert settings.read_text(encoding="utf-8") == "temperature = 0\nn_ctx = 'many'\n"


def test_a_paste_of_a_megabyte_is_too_long_for_the_context_and_nothing_breaks(start: Start) -> None:
    terminal = start()
    terminal.paste("a word or two\r" * 75_000)
    terminal.wait_for("[pasted text 1: 1,050,000 characters]")
    terminal.press("enter")
    failed = wait_for_reply(terminal)
    assert (failed.finish, failed.text) == ("failed", "")
    terminal.wait_for("tokens, but the context holds 8,192")
    terminal.wait_for("[pasted text 1: 1,050,000 characters]")  # it is back, to be shortened
    terminal.press("ctrl+u")
    ask(terminal, "What is the capital of Japan?")
    assert wait_for_reply(terminal, 2).finish == "stop"
