"""The program's own inventory, `<data folder>/inventory.json`: the only inventory that is ever written."""

import json
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from mistral_tui.config.text_files import read_text
from mistral_tui.types.errors import ConfigError


def register(overlay: Path, name: str, values: dict[str, Any]) -> None:
    """Add an entry, or change the one of this name; everything else in the file stays as it is.

    Args:
        overlay: `Paths.inventory_overlay`; need not exist.
        name: Of the entry.
        values: Its other keys, as `inventory_file.KEYS` has them. Keys of the old entry that are not among them stay.

    Raises:
        ConfigError: The file is damaged or cannot be written; it stays as it was.
    """
    with _changing(overlay) as entries:
        entry = next((entry for entry in entries if _is_named(entry, name)), None)
        if entry is None:
            entries.append(entry := {"name": name})
        entry.update(values)


def unregister(overlay: Path, name: str) -> bool:
    """Remove the entry of this name; return whether there was one.

    Raises:
        ConfigError: The file is damaged or cannot be written; it stays as it was.
    """
    if not overlay.exists():
        return False
    with _changing(overlay) as entries:
        kept = [entry for entry in entries if not _is_named(entry, name)]
        found = len(kept) < len(entries)
        entries[:] = kept
    return found


def source_of_registered(overlay: Path, name: str) -> str | None:
    """Return where the entry of this name says that it can be fetched from; `None`: it does not, or there is none.

    Raises:
        ConfigError: The file is damaged or cannot be read.
    """
    return next((entry.get("source") for entry in _read(overlay) if _is_named(entry, name)), None)


@contextmanager
def _changing(overlay: Path) -> Generator[list[Any]]:
    """Lend the entries of the file; what they are afterwards is written, if nothing was raised."""
    try:
        overlay.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(overlay.with_name(overlay.name + ".lock"), timeout=10):
            entries = _read(overlay)
            before = json.dumps(entries)
            yield entries
            if json.dumps(entries) != before:
                _write(overlay, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
    except (OSError, TimeoutError) as error:
        raise ConfigError(f"{overlay} cannot be written: {error}; check the folder and the disk") from None


def _is_named(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and entry.get("name") == name


def _read(overlay: Path) -> list[Any]:
    if not overlay.exists():
        return []
    try:
        entries = json.loads(read_text(overlay))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{overlay}: not valid JSON: {error}; mend it or move it away") from None
    if not isinstance(entries, list):
        raise ConfigError(f"{overlay}: expected a list of models; mend it or move it away")
    return entries


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
