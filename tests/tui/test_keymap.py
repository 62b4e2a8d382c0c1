"""The person's own keys: they count, they show, and what makes no sense is said with its place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.config.keymap import read_keymap
from mistral_tui.tui.actions import ACTIONS, action, key_labels
from mistral_tui.tui.actions.keymap import apply_keymap
from mistral_tui.tui.help.screen import HelpScreen, help_content
from tests.tui.harness import app_with, screen_rows, started, until

pytestmark = pytest.mark.core


@pytest.fixture(autouse=True)
def _usual_keys_afterwards() -> Iterator[None]:
    yield
    for each in ACTIONS:
        each.keys = each.shipped_keys


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keymap.toml"


def applied(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text, "utf-8")
    entries, notices = read_keymap(file)
    return (*notices, *apply_keymap(entries))


def test_without_a_file_all_is_as_usual(file: Path) -> None:
    assert read_keymap(file) == ((), ())


async def test_an_own_key_counts_and_the_usual_one_does_not(file: Path) -> None:
    assert applied(file, 'help = ["f12", "f11"]\n') == ()
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("f1")
        assert not isinstance(app.screen, HelpScreen)
        for key in ("f12", "f11"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, HelpScreen))


async def test_an_own_key_of_the_prompt_counts(file: Path) -> None:
    assert applied(file, '[prompt]\nsend = ["alt+enter"]\nnew_line = ["enter"]\n') == ()
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        await pilot.press("a", "enter", "b")
        assert app.pane.prompt.text == "a\nb"
        await pilot.press("alt+enter")
        await until(pilot, lambda: len(app.pane.chat.conversation))


async def test_help_and_footer_show_the_real_keys(file: Path) -> None:
    assert applied(file, 'help = "f11"\nnew_chat = []\n') == ()
    assert "f11" in help_content().plain
    assert key_labels(action("screen", "new_chat")) == ""
    async with app_with().run_test() as pilot:
        app = await started(pilot)
        footer = screen_rows(app.screen)[-1]
        assert "f11 help" in footer
        assert "new chat" not in footer
        await pilot.press("ctrl+n")


def test_a_key_is_taken_from_what_did_it_before(file: Path) -> None:
    assert applied(file, 'thinking = ["ctrl+e", "ctrl+t"]\n') == ()
    assert action("prompt", "cursor_line_end").keys == ("end",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("help = \n", "line 1: not valid TOML"),
        ("\nhelp = 3\n", "line 2, help: it must be a list of keys"),
        ('[app]\nhepl = ["f1"]\n', "line 2, app.hepl: there is no such action; did you mean help?"),
        ('select = ["f1"]\n', "line 1, select: several have such an action; put it under one of [chats], [calls], "),
        ('help = ["f1", "ctlr+x"]\n', "line 1, help: there is no key 'ctlr+x'; it is ignored"),
        ('help = ["flap"]\n', "line 1, help: there is no key 'flap'; it is ignored"),
        ('[app]\nhelp = ["f11"]\ntheme = ["f11", "f12"]\n', "line 3, app.theme: f11 is a key of help already"),
        ('[prompt]\ncut = ["ctrl+z"]\nredo = ["alt+z"]\n[app]\nhelp = ["backspace"]\n', "nothing does delete_left any"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(file: Path, text: str, said: str) -> None:
    notices = applied(file, text)
    assert any(said in notice for notice in notices), notices
    assert action("app", "quit").keys == ("ctrl+q",)


def test_a_bad_key_leaves_the_good_ones(file: Path) -> None:
    applied(file, 'help = ["f1", "nonsense"]\ntheme = ["nonsense"]\n')
    assert action("app", "help").keys == ("f1",)
    assert action("app", "theme").keys == ("f9",)


@pytest.mark.parametrize("key", ["?", "/", "F2", "Ctrl+X", "ctrl+shift+left", "alt+enter", "esc", "é", "f12"])
def test_keys_are_written_as_people_write_them(file: Path, key: str) -> None:
    assert applied(file, f"[reader]\nline_up = ['{key}']\n") == ()
