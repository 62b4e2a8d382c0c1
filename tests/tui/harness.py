"""What the tests of the interface share: apps on a scripted engine, and waiting for what the screen shows."""

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from textual import events
from textual.css.query import NoMatches
from textual.pilot import Pilot
from textual.widget import Widget

from mistral_tui.chat.workspace import Workspace
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.main_screen import MainScreen
from mistral_tui.tui.models.starter import Starter
from mistral_tui.types.errors import MistralTuiError
from mistral_tui.types.models import ModelEntry
from tests.stubs.engines import ENTRY, FakeEngine, FakePool, Reply

Send = Callable[[Pilot[None], str], Awaitable[None]]

STARTER = ModelEntry("SmolLM2-135M-Instruct", Path("/models/smollm2.gguf"), "gguf", 98_000_000, downloaded=False)

DOCUMENT = '''# Tides

The **Moon** pulls on the ocean; the water bulges towards it, and as the Earth turns you pass through *two* bulges \
a day. See [NOAA](https://tides.example) for `live` data.

- high tide comes about every 12 h 25 min
- the Sun helps at new and full moon, when both pull in one line and the tides are at their greatest
  - and hinders at half moon
- coasts and depths do the rest

```python
def tide(t: float, period: float = 12.42) -> float:
    """Height at hour t."""
    return cos(2 * pi * t / period)  # metres
```

| place | range |
|---|---|
| Bay of Fundy | 16 m |
| Mediterranean | 0.3 m |

> Time and tide wait for no man.
'''


def pieces(text: str, size: int = 7) -> list[str]:
    """Cut a text as an engine would send it."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def app_with(
    *replies: Reply,
    pool: FakePool | None = None,
    entry: ModelEntry | None = ENTRY,
    theme: str = "mistral-dark",
    starter: Starter | None = None,
    notices: tuple[str, ...] = (),
    vim_keys: bool = False,
) -> MistralApp:
    """Make an app whose model gives these replies; its chats stay in memory."""
    pool = pool or FakePool(FakeEngine(list(replies) or [Reply()]))
    return MistralApp(Workspace(pool, None, entry), theme=theme, starter=starter, notices=notices, vim_keys=vim_keys)


def failing_pool(error: MistralTuiError) -> FakePool:
    """Make a pool that loads nothing."""
    return FakePool(error=error)


def main_screen(app: MistralApp) -> MainScreen:
    """Return the main screen, also under a dialog."""
    screen = app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    return screen


async def until(pilot: Pilot[None], condition: Callable[[], object], what: str = "", seconds: float = 10) -> None:
    """Wait until `condition` is true; a widget that is not there yet is no error."""
    deadline = time.monotonic() + seconds

    def met() -> bool:
        try:
            return bool(condition())
        except NoMatches:
            return False

    while not met():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what or condition}"
        await pilot.pause(0.01)
    await pilot.pause()


async def started(pilot: Pilot[None]) -> MistralApp:
    """Wait until the interface is there and the model is loaded."""
    app = pilot.app
    assert isinstance(app, MistralApp)
    await until(pilot, lambda: app.pane.status.figures.context_size, "the model")
    return app


async def type_and_send(pilot: Pilot[None], text: str) -> None:
    """Type a prompt key by key and send it."""
    await pilot.press(*(key_of(char) for char in text), "enter")
    await pilot.pause()


async def paste_and_send(pilot: Pilot[None], text: str) -> None:
    """Paste a prompt, which is quicker than typing it, and send it."""
    pilot.app.post_message(events.Paste(text))
    await pilot.press("enter")
    await pilot.pause()


async def paste_into(pilot: Pilot[None], text: str) -> None:
    """Paste a text into what has the focus."""
    pilot.app.screen.post_message(events.Paste(text))
    await pilot.pause()


async def ask(
    pilot: Pilot[None], text: str, send: Callable[[Pilot[None], str], Awaitable[None]] = type_and_send
) -> None:
    """Send a prompt and wait for the end of the reply."""
    app = pilot.app
    assert isinstance(app, MistralApp)
    count = len(app.pane.chat.conversation)
    await send(pilot, text)
    await until(
        pilot,
        lambda: (
            len(app.pane.chat.conversation) > count and not app.pane.chat.busy and not app.pane.status.figures.state
        ),
        "the reply",
    )


def key_of(char: str) -> str:
    """Return the name of the key that types `char`."""
    names = {" ": "space", "/": "slash", "?": "question_mark", "\\": "backslash", ".": "full_stop", ",": "comma"}
    return names.get(char, char)


async def begun(pilot: Pilot[None], text: str = "hello") -> MistralApp:
    """Send a prompt and wait for the first words of the reply."""
    app = await started(pilot)
    await type_and_send(pilot, text)
    await until(pilot, lambda: app.pane.last_reply)
    return app


def shown_text(widget: Widget) -> str:
    """Return what a widget shows, as text."""
    screen = widget.screen
    region = widget.region
    rows: Sequence[str] = screen_rows(screen)
    return "\n".join(row[region.x : region.right] for row in rows[region.y : region.bottom])


def screen_rows(screen: Widget) -> list[str]:
    """Return the rows of the screen, as text."""
    app = screen.app
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[:width] for strip in strips][:height]


def told(app: MistralApp, words: str) -> bool:
    """Return whether this is said to the person: in the status line, or in a toast where it does not fit there."""
    return words in shown_text(app.pane.status) or any(words in notice.message for notice in app._notifications)


def put(file: Path, text: str) -> None:
    """Write a file of the person's, and the folder that it is in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def content(file: Path) -> str:
    """Return what is in a file; nothing if it is not there."""
    return file.read_text("utf-8") if file.exists() else ""
