"""Prompts from elsewhere: older ones of all chats, templates, an editor."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.chat.workspace import Workspace
from mistral_tui.config.paths import Paths
from mistral_tui.store.store import Store
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.prompt.choosing import SearchChoice
from mistral_tui.tui.prompt.template_form import TemplateForm
from tests.stubs.engines import ENTRY, FakeEngine, FakePool
from tests.tui.harness import (
    app_with,
    ask,
    paste_and_send,
    paste_into,
    screen_rows,
    shown_text,
    started,
    told,
    type_and_send,
    until,
)

pytestmark = pytest.mark.core


@pytest.fixture
def templates() -> Path:
    folder = Paths.resolve().prompts
    folder.mkdir(parents=True)
    (folder / "haiku.md").write_text("---\ntitle: A haiku\n---\nOf {{thing}} in {{tongue:English}}.", encoding="utf-8")
    (folder / "plain.md").write_text("Just ask.", encoding="utf-8")
    return folder


async def test_older_prompts_of_all_chats_are_searched(tmp_path: Path) -> None:
    store = Store(tmp_path / "chats.db")
    async with MistralApp(Workspace(FakePool(FakeEngine()), store, ENTRY)).run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await ask(pilot, "about the moon")
        await pilot.press("ctrl+n")
        await ask(pilot, "very long " * 60, paste_and_send)
        await pilot.press("ctrl+n")
        await ask(pilot, "about bread")
        await pilot.press("f8")
        await ask(pilot, "a secret")
        await pilot.press("alt+q")
        await until(pilot, lambda: "about bread" in "\n".join(screen_rows(app.screen)))
        dialog = app.screen.query_one(".search-choice")
        assert "a secret" not in shown_text(dialog)
        assert shown_text(dialog).count("very long") < 20, "the beginning, so that others are in view"
        await pilot.press("down", "up", *"moon")
        await until(pilot, lambda: "about bread" not in shown_text(dialog))
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.prompt.text == "about the moon")
        await pilot.press("ctrl+z")
        assert app.pane.prompt.text == ""


async def test_where_nothing_was_asked_that_is_said() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("alt+q")
        await until(pilot, lambda: "nothing was asked yet" in "\n".join(screen_rows(app.screen)))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: not isinstance(app.screen, SearchChoice))


async def test_a_template_is_chosen_and_filled_in(templates: Path) -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/prompt")
        await until(pilot, lambda: "A haiku" in "\n".join(screen_rows(app.screen)))
        await pilot.press(*"haik", "enter")
        await until(pilot, lambda: isinstance(app.screen, TemplateForm))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "needs a value for thing" in "\n".join(screen_rows(app.screen)))
        await paste_into(pilot, "rain\nand hail")
        await pilot.press("enter", *"Dutch", "up", "s", "tab", "enter")
        await until(pilot, lambda: app.pane.prompt.text == "Of rain\nand hails in Dutch.")


async def test_a_template_is_named_after_the_command(templates: Path) -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await type_and_send(pilot, "/prompt plain")
        await until(pilot, lambda: app.pane.prompt.text == "Just ask.")
        await pilot.press("ctrl+u")
        await type_and_send(pilot, "/prompt nothing")
        await until(pilot, lambda: told(app, "no prompt template is named"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal that can be handed to an editor, and is given back: only if nothing is raised meanwhile."""
    holders = ["interface"]

    @contextlib.contextmanager
    def suspended(app: MistralApp) -> Iterator[None]:
        holders.append("editor")
        yield
        holders.append("interface")

    monkeypatch.setattr(MistralApp, "suspend", suspended)
    yield
    assert holders[-1] == "interface"


def editor_that(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    script = folder / "my editor.py"
    script.write_text(f"import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{code}\n", encoding="utf-8")
    monkeypatch.setenv("VISUAL", f"{sys.executable} '{script}'")


@pytest.mark.usefixtures("terminal")
async def test_what_the_editor_wrote_is_in_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor_that(monkeypatch, tmp_path, "file.write_text(file.read_text() + ' more\\n\\x1b[31m')")
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("a", "b", "ctrl+g")
        await until(pilot, lambda: app.pane.prompt.text.startswith("ab more"))
        assert "\x1b" not in app.pane.prompt.text


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("code", "reason"),
    [("sys.exit(3)", "ended with status 3"), ("file.write_bytes(b'\\xff')", "UTF-8"), ("file.unlink()", "UTF-8")],
)
async def test_an_editor_that_fails_leaves_the_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    editor_that(monkeypatch, tmp_path, code)
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("a", "b", "ctrl+g")
        await until(pilot, lambda: told(app, reason))
        assert app.pane.prompt.text == "ab"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("command", ["/nowhere/vi", "vi 'unclosed"])
async def test_an_editor_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("VISUAL", command)
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: told(app, "cannot be run"))


async def test_a_terminal_that_cannot_be_handed_over_says_so() -> None:
    async with app_with().run_test(size=(100, 30)) as pilot:
        app = await started(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: told(app, "cannot be handed"))
