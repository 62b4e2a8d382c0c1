"""Changing the TOML files that people write, without touching what else is in them."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mistral_tui.config.paths import make_private_folder
from mistral_tui.config.toml_files import parse_toml, read_toml
from mistral_tui.types.errors import ConfigError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument  # loaded only when something is written


def edit_toml(path: Path, change: Callable[["TOMLDocument"], None]) -> None:
    """Change a file; comments, order and everything that `change` leaves alone stay as they are.

    It is replaced in one step, so that nobody ever sees half of it. A file that is not there is made.

    Raises:
        ConfigError: The file is damaged, which nothing of ours may make worse, or cannot be written.
    """
    import tomlkit
    from filelock import FileLock
    from tomlkit.exceptions import TOMLKitError

    try:
        target = path.resolve()  # a link to a file elsewhere stays a link
        make_private_folder(target.parent)
        with FileLock(target.with_name(f".{target.name}.lock"), timeout=10):
            before = read_toml(target).text
            try:
                document = tomlkit.parse(before)
                change(document)
            except (TOMLKitError, RecursionError) as error:
                raise ConfigError(f"{path} cannot be changed: {error}; edit it by hand") from None
            after = tomlkit.dumps(document)
            parse_toml(path, after)
            if after != before:
                _replace(target, after)
    except (OSError, TimeoutError) as error:
        raise ConfigError(f"{path} cannot be written: {error}; check the folder and the disk") from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
