"""The colours in use: which themes there are, taking one, and following its file as the person changes it."""

from pathlib import Path
from typing import Any

from textual.app import App
from textual.timer import Timer

from mistral_tui.tui.settings import themes
from mistral_tui.types.errors import ConfigError

POLL = 1.0
"""Seconds between looks at a theme file of the person's while it is in use."""


class Colours:
    """The themes of an app.

    Args:
        app: Whose theme it is.
        own: The person's folder of themes.
    """

    def __init__(self, app: App[Any], own: Path | None) -> None:
        self._app = app
        self._own = own
        self._file: Path | None = None
        self._stamp: tuple[int, int] | None = None
        self._timer: Timer | None = None

    def names(self) -> list[str]:
        """Return the names of all themes that ship and of the person's own, in order."""
        return sorted({path.stem for path in themes.theme_files(self._own)})

    def use(self, name: str) -> str | None:
        """Take a theme; if that is not possible, the usual one stays or is taken, and what is wrong is returned."""
        if name in self._app.available_themes and name not in self.names():
            self._take(name, None)  # one of Textual's
            return None
        file = None
        try:
            file = themes.find_theme(name, self._own)
            theme = themes.read_theme(file)
        except ConfigError as error:
            if self._file is not None:
                return str(error)
            usual = themes.find_theme(themes.DEFAULT)
            self._app.register_theme(themes.read_theme(usual))
            self._take(themes.DEFAULT, file or usual)  # once it is mended, it is taken
            return f"{error}; {themes.DEFAULT} is used instead"
        self._app.register_theme(theme)
        self._take(theme.name, file)
        return None

    def follow(self) -> None:
        """From now on look after the file of the theme, if it is one of the person's."""
        mine = self._file is not None and self._file.parent == self._own
        if mine and self._timer is None:
            self._timer = self._app.set_interval(POLL, self.look)
        elif not mine and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def look(self) -> None:
        """Take the colours anew if the file has changed; if it makes no sense, they stay, and that is said once."""
        if self._file is None or (stamp := _stamp(self._file)) == self._stamp:
            return
        self._stamp = stamp
        if stamp is None:
            return  # an editor is replacing it
        try:
            theme = themes.read_theme(self._file)
        except ConfigError as error:
            self._app.notify(f"{error}; the colours stay as they are", severity="warning")
            return
        self._app.register_theme(theme)
        self._take(theme.name, self._file)

    def _take(self, name: str, file: Path | None) -> None:
        self._file = file
        self._stamp = None if file is None else _stamp(file)
        if self._app.theme == name:
            self._app.mutate_reactive(App.theme)
        else:
            self._app.theme = name
        if self._app.is_running:
            self.follow()


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
