"""Servers elsewhere in the settings: listed, added, changed, asked for their models, and taken away."""

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mistral_tui.config.settings_file import read_settings
from mistral_tui.tui.settings.fields import FieldsScreen
from mistral_tui.types.endpoints import Endpoint
from tests.stubs.openai_server import Script, serving
from tests.tui.harness import app_with, content, key_of, put, screen_rows, started, until

pytestmark = pytest.mark.core

FILE = """\
# mine
temperature = 0.5

# the machine in the cellar
[[endpoints]]
name = "lab"
url = "http://127.0.0.1:1/v1"  # only at night
api_key_env = "LAB_KEY"
headers = { "X-Team" = "secret words" }

[[endpoints]]
name = "cloud"
url = "https://example.org/v1"
"""


@pytest.fixture
def file() -> Path:
    path = Path(os.environ["MISTRAL_TUI_CONFIG"])
    put(path, FILE)
    return path


def text(pilot: Pilot[None]) -> str:
    return "\n".join(screen_rows(pilot.app.screen))


async def write(pilot: Pilot[None], words: str) -> None:
    names = {":": "colon", "_": "underscore", "-": "minus"}
    await pilot.press(*(names.get(char, key_of(char)) for char in words))


async def find(pilot: Pilot[None], words: str) -> None:
    """Open the settings, or what is shown, at a row."""
    if not isinstance(pilot.app.screen, FieldsScreen):
        await started(pilot)
        await pilot.press("alt+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, FieldsScreen))
    await write(pilot, words)
    await pilot.press("enter")
    await pilot.pause()


async def give(pilot: Pilot[None], name: str, value: str) -> None:
    """Set a value of the server in view."""
    await find(pilot, name)
    await pilot.press("ctrl+e", "ctrl+u")
    await write(pilot, value)
    await pilot.press("enter")
    await until(pilot, lambda: "enter edits" in text(pilot))
    await pilot.press("escape")


async def test_servers_are_listed_with_where_their_key_comes_from_and_never_the_key(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", "sk-very-secret")
    async with app_with().run_test(size=(120, 36)) as pilot:
        await find(pilot, "servers elsewhere")
        await until(pilot, lambda: "server lab" in text(pilot))
        assert "LAB_KEY" in text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "add a server" in text(pilot))
        lab = next(row for row in screen_rows(pilot.app.screen) if "lab" in row)
        assert "http://127.0.0.1:1/v1" in lab
        assert "LAB_KEY" in lab
        assert "sk-very-secret" not in text(pilot)
        assert "secret words" not in text(pilot)


async def test_a_value_is_checked_and_written_and_all_else_in_the_file_stays(file: Path) -> None:
    async with app_with().run_test(size=(120, 36)) as pilot:
        await find(pilot, "lab")
        await until(pilot, lambda: "server lab" in text(pilot))
        await find(pilot, "name")
        await pilot.press("ctrl+e", "ctrl+u")
        await write(pilot, "cloud")
        await until(pilot, lambda: "another server is called cloud" in text(pilot))
        await pilot.press("escape", "escape")
        await give(pilot, "n_ctx", "4096")
        await until(pilot, lambda: "n_ctx = 4096" in content(file))
        kept = content(file).replace("n_ctx = 4096\n", "")
        assert kept == FILE
        assert read_settings(file).endpoints[0].n_ctx == 4096


async def test_a_new_server_is_written_once_it_has_a_name_and_an_address_and_answers_when_asked(file: Path) -> None:
    async with serving() as server, app_with().run_test(size=(80, 24)) as pilot:
        url = server.endpoint().url
        await find(pilot, "add a server")
        await until(pilot, lambda: "a new server" in text(pilot))
        await give(pilot, "name", "near")
        assert content(file) == FILE
        await give(pilot, "url", url)
        await until(pilot, lambda: "server near" in text(pilot))
        assert content(file).startswith(FILE)
        assert read_settings(file).endpoints[2] == Endpoint("near", url)
        await find(pilot, "test")
        await until(pilot, lambda: "it answers, after" in text(pilot))
        await pilot.press("escape")
        server.models = Script.says(401, {"error": {"message": "no key"}})
        await find(pilot, "test")
        await until(pilot, lambda: "near" in text(pilot) and "key" in text(pilot) and "it answers" not in text(pilot))


async def test_a_server_is_taken_away_only_when_that_is_said_twice(file: Path) -> None:
    async with app_with().run_test(size=(80, 24)) as pilot:
        await find(pilot, "cloud")
        await until(pilot, lambda: "server cloud" in text(pilot))
        await find(pilot, "remove")
        await until(pilot, lambda: "enter once more takes cloud out" in text(pilot))
        assert content(file) == FILE
        await pilot.press("enter")
        await until(pilot, lambda: "server cloud" not in text(pilot) and "settings" in text(pilot))
        assert content(file).rstrip("\n") + "\n" == FILE[: FILE.index('\n[[endpoints]]\nname = "cloud"')]
