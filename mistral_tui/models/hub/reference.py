"""How a person names what is to be fetched from the hub."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Self

from mistral_tui.models.quantization_name import is_quantization, quantization_in
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable_line

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*")
_PAGE: Final = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/")
_IN_PAGE: Final = re.compile(r"/(?:blob|resolve|tree)/[^/]+")


@dataclass(frozen=True)
class HubReference:
    """A repository, and what of it."""

    repository: str
    """`OWNER/NAME`."""
    file: str | None = None
    """Path of the one file that is wanted, within the repository."""
    quantization: str | None = None
    """In capitals."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `OWNER/NAME`, `OWNER/NAME:Q4_K_M`, `OWNER/NAME/FILE`, each also after `hf:`, or the address of a page.

        Raises:
            InvalidRequest: It is none of these.
        """
        words = text.strip().removeprefix("hf:")
        if page := _PAGE.match(words):
            words = _IN_PAGE.sub("", words[page.end() :].partition("?")[0], count=1).rstrip("/")
        words, colon, quantization = words.partition(":")
        owner, _, rest = words.partition("/")
        name, _, file = rest.partition("/")
        repository = f"{owner}/{name}"
        if not _REPOSITORY.fullmatch(repository) or ".." in repository or (colon and (file or not quantization)):
            raise _bad(text)
        if file and not safe_path(file):
            raise _bad(text)
        if colon and not is_quantization(quantization):
            raise InvalidRequest(f"{printable_line(quantization)!r} is no quantization; write one such as Q4_K_M")
        return cls(repository, file or None, quantization_in(quantization) or None)

    def __str__(self) -> str:
        """Return it as the inventory's `source` has it."""
        return f"hf:{self.repository}/{self.file}" if self.file else f"hf:{self.repository}"


def is_reference(text: str) -> bool:
    """Return whether this can only be meant as something on the hub, well written or not."""
    return "/" in text or text.startswith("hf:")


def safe_path(path: str) -> bool:
    """Return whether a path that a server names stays within the folder that it is put into."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and not any(part in ("..", ".") or part.startswith(" ") for part in parts)
        and not any(character in '\\:*?"<>|' or not character.isprintable() for character in path)
    )


def _bad(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{printable_line(text)!r} names nothing on the hub; write OWNER/NAME, OWNER/NAME:Q4_K_M or OWNER/NAME/FILE"
    )
