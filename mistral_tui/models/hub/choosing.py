"""Which files of a repository make the model that a person wants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from mistral_tui.models.hub.reference import HubReference, safe_path
from mistral_tui.models.naming import listed
from mistral_tui.models.projector_file import is_projector_name
from mistral_tui.models.quantization_name import quantization_in
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import ModelFormat
from mistral_tui.types.text import printable_line

_PART: Final = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)", re.IGNORECASE)
_PREFERRED: Final = ("Q4_K_M", "Q4_K_S", "Q4_0", "Q4_1", "IQ4_XS", "IQ4_NL", "Q5_K_M", "Q5_K_S", "Q6_K", "Q8_0")
_PROJECTORS: Final = ("F16", "BF16", "Q8_0", "F32")
_WANTED: Final = re.compile(
    r"(?:.*\.(?:safetensors|json|txt|model|jinja|tiktoken)|merges\.txt|README\.md|LICENSE(?:\..*)?)", re.IGNORECASE
)
_NO_MODEL: Final = re.compile(r"imatrix|(?:^|/)lora", re.IGNORECASE)
_DEEPEST: Final = 3


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository."""

    path: str
    """With slashes, from the top of the repository."""
    size: int
    sha256: str | None = None
    git_sha1: str | None = None
    """Of a small file, which has no SHA-256: the name that git gives to its content."""


@dataclass(frozen=True)
class Choice:
    """The files of one model."""

    reference: HubReference
    form: ModelFormat
    files: tuple[RemoteFile, ...]
    """GGUF: the model, of a split one all parts in order, then its projector, if there is one."""
    projector: RemoteFile | None = None

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size for file in self.files)

    @property
    def name(self) -> str:
        """As the model is called: that of its file without parts and ending, else that of the repository."""
        if self.form == "safetensors":
            return self.reference.repository.rpartition("/")[2]
        return PurePosixPath(_whole(self.files[0].path)).name[: -len(".gguf")]

    @property
    def quantization(self) -> str:
        """As its name says; empty: it does not."""
        return quantization_in(self.name)

    @property
    def sha256(self) -> str | None:
        """Of the model, if it is a single file."""
        models = [file for file in self.files if file is not self.projector]
        return models[0].sha256 if self.form == "gguf" and len(models) == 1 else None

    @property
    def source(self) -> str:
        """As an inventory entry has it."""
        return f"hf:{self.reference.repository}" + (f"/{self.files[0].path}" if self.form == "gguf" else "")


def choose(reference: HubReference, files: Sequence[RemoteFile], *, projector: bool = True) -> Choice:
    """Choose the files of one model: the one that is named, the quantization that is named, or Q4_K_M.

    Args:
        reference: What is wanted.
        files: All files of the repository.
        projector: Whether to take the projector of a GGUF model along, if there is one.

    Raises:
        DownloadFailed: There is no such model in it; says what there is.
    """
    repository = reference.repository
    sound = [file for file in files if safe_path(file.path)]
    groups = _groups(sound)
    models = _models(groups)
    if reference.file is not None:
        chosen = next((group for group in groups.values() if any(part.path == reference.file for part in group)), None)
        if chosen is None:
            chosen = [file for file in sound if file.path == reference.file and file.path.lower().endswith(".gguf")]
        if not chosen:
            raise DownloadFailed(f"{repository} has no file {printable_line(reference.file)}; {_offer(models)}")
    elif models:
        chosen = models[_chosen_name(reference, models)]
    else:
        return _folder(reference, sound)
    _check_parts(repository, chosen)
    found = _projector(sound, chosen[0]) if projector else None
    return Choice(reference, "gguf", (*chosen, *((found,) if found else ())), found)


def choices(reference: HubReference, files: Sequence[RemoteFile]) -> tuple[Choice, ...]:
    """Return every model that a repository has in GGUF, with its projector, the smallest first.

    Args:
        reference: What is wanted; where it names a file or a quantization there is only that one.
        files: All files of the repository.

    Raises:
        DownloadFailed: There is none that is whole.
    """
    if reference.file is not None or reference.quantization is not None:
        return (choose(reference, files),)
    sound = [file for file in files if safe_path(file.path)]
    whole = [group for group in _models(_groups(sound)).values() if len(group) == _parts_of(group[0])]
    if not whole:
        return (choose(reference, files),)
    named = [replace(reference, file=group[0].path) for group in whole]
    return tuple(sorted((choose(each, files) for each in named), key=lambda choice: choice.size_bytes))


def preferred(models: Sequence[Choice]) -> Choice:
    """Return the model that most people want: small, and hardly worse than the whole."""

    def rank(choice: Choice) -> int:
        return _PREFERRED.index(choice.quantization) if choice.quantization in _PREFERRED else len(_PREFERRED)

    return min(models, key=rank)


def _groups(files: Sequence[RemoteFile]) -> dict[str, list[RemoteFile]]:
    """Return the GGUF files that are no projectors, the parts of a split model together."""
    groups: dict[str, list[RemoteFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        if file.path.lower().endswith(".gguf") and not is_projector_name(PurePosixPath(file.path).name):
            groups.setdefault(_whole(file.path), []).append(file)
    return groups


def _models(groups: dict[str, list[RemoteFile]]) -> dict[str, list[RemoteFile]]:
    return {name: group for name, group in groups.items() if not _NO_MODEL.search(name)}


def _chosen_name(reference: HubReference, models: dict[str, list[RemoteFile]]) -> str:
    wanted = (reference.quantization,) if reference.quantization else _PREFERRED
    for quantization in wanted:
        names = [name for name in models if quantization_in(name) == quantization]
        if len(names) == 1:
            return names[0]
        if names:
            raise DownloadFailed(
                f"{reference.repository} has several models in {quantization}: {listed(names)}; "
                f"name one, as in {reference.repository}/{printable_line(names[0])}"
            )
    if reference.quantization:
        raise DownloadFailed(f"{reference.repository} has nothing in {reference.quantization}; {_offer(models)}")
    return min(models, key=lambda name: sum(part.size for part in models[name]))


def _folder(reference: HubReference, files: Sequence[RemoteFile]) -> Choice:
    repository = reference.repository
    weights = [file for file in files if file.path.endswith(".safetensors")]
    if not weights:
        raise DownloadFailed(f"{repository} has neither GGUF nor safetensors files, so there is nothing to run in it")
    if reference.quantization:
        raise DownloadFailed(
            f"{repository} has no GGUF files, and so no {reference.quantization}; look for a repository with GGUF in "
            f"its name, or fetch {repository} as it is"
        )
    pipeline = any(file.path == "model_index.json" for file in files)
    top = [file for file in weights if "/" not in file.path]
    whole = any(not file.path.startswith("consolidated") for file in top)
    chosen = [
        file
        for file in files
        if _WANTED.fullmatch(PurePosixPath(file.path).name)
        and (file.path.count("/") <= _DEEPEST if pipeline else "/" not in file.path)
        and not (whole and file.path.startswith("consolidated"))
    ]
    return Choice(reference, "safetensors", tuple(sorted(chosen, key=lambda file: file.size)))


def _projector(files: Sequence[RemoteFile], model: RemoteFile) -> RemoteFile | None:
    found = [file for file in files if is_projector_name(PurePosixPath(file.path).name)]
    beside = [file for file in found if PurePosixPath(file.path).parent == PurePosixPath(model.path).parent]

    def rank(file: RemoteFile) -> tuple[int, str]:
        quantization = quantization_in(PurePosixPath(file.path).stem)
        return (_PROJECTORS.index(quantization) if quantization in _PROJECTORS else len(_PROJECTORS), file.path)

    return min(beside or found, key=rank, default=None)


def _check_parts(repository: str, group: Sequence[RemoteFile]) -> None:
    parts = _parts_of(group[0])
    if len(group) != parts:
        raise DownloadFailed(
            f"{repository} has {len(group)} of the {parts} parts of {printable_line(group[0].path)}; "
            "it is incomplete, so choose another file"
        )


def _parts_of(file: RemoteFile) -> int:
    """Return of how many files a model is made, one of which this is."""
    match = re.search(r"-of-(\d{5})\.gguf$", file.path, re.IGNORECASE)
    return int(match[1]) if match else 1


def _offer(models: dict[str, list[RemoteFile]]) -> str:
    return f"it has {listed(sorted(models))}" if models else "it has no GGUF files"


def _whole(path: str) -> str:
    """Return the name of a split model without the number of the part."""
    return _PART.sub("", path)
