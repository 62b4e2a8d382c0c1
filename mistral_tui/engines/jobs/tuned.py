"""What `mistral-tui tune` found to be fastest, kept for each model, machine and build."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final, Literal

import msgspec

from mistral_tui.config.paths import Paths, make_private_folder
from mistral_tui.types.choices import KvType
from mistral_tui.types.models import QUANTIZED_KV, LoadOptions

_SCHEMA_VERSION: Final = 1
_MOST_CHOICES: Final = 200


class Tuned(msgspec.Struct, frozen=True):
    """What is clearly better than the default; `None` where nothing is."""

    threads: int | None = None
    """Threads to begin with; they are adapted while it runs."""
    flash_attention: Literal["on", "off"] | None = None
    batch_tokens: int | None = None
    kv_type: KvType | None = None
    """Only told, never taken by itself: it is less precise."""


class _File(msgspec.Struct):
    schema_version: int = _SCHEMA_VERSION
    choices: dict[str, Tuned] = {}


def tuned_file() -> Path:
    """Return where the choices are kept."""
    return Paths.resolve().cache / "tune.json"


def key_of(model: Path, machine: str) -> str:
    """Return by what a choice is found: the file as it is now, on a machine with its build and devices."""
    try:
        status = model.stat()
    except OSError:
        return ""  # whoever loads it says what is wrong
    return f"{status.st_size} bytes of {status.st_mtime_ns} on {machine}"


def read_tuned(path: Path, key: str) -> Tuned | None:
    """Return a choice, or `None` if there is none. A file that cannot be used counts as empty."""
    return _read(path).choices.get(key)


def write_tuned(path: Path, key: str, tuned: Tuned) -> None:
    """Keep a choice; the oldest ones make way.

    Raises:
        OSError: The file cannot be written.
    """
    choices = _read(path).choices
    choices.pop(key, None)
    kept = [*choices.items(), (key, tuned)][-_MOST_CHOICES:]
    make_private_folder(path.parent)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_File(choices=dict(kept)))))
        Path(part).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(part).unlink()
        raise


def with_tuned(options: LoadOptions, tuned: Tuned) -> LoadOptions:
    """Return options in which what was left open is what was found, threads aside: those are only begun with."""
    flash, batch = options.flash_attention, options.batch_tokens
    if flash == "auto" and options.kv_type not in QUANTIZED_KV:
        flash = tuned.flash_attention or flash
    return msgspec.structs.replace(options, flash_attention=flash, batch_tokens=batch or tuned.batch_tokens)


def _read(path: Path) -> _File:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError):
        return _File()
    return file if file.schema_version == _SCHEMA_VERSION else _File()
