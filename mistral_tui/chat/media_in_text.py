"""Pictures and recordings that a prompt names: typed, or dropped on the terminal, which then types their path."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from mistral_tui.types.media import media_type_of
from mistral_tui.types.messages import AudioPart, ImagePart, Part

_BEGIN = r"(?:file://|~[/\\]|\.{1,2}[/\\]|/|[A-Za-z]:[/\\])"
_PATH = re.compile(
    rf"""(?<!\S)(?:"({_BEGIN}[^"\n]+)"|'({_BEGIN}[^'\n]+)'|({_BEGIN}(?:\\[^\n]|[^\s"'\\])+))""",
)
_ENDING = ".,;:!?)"


def take_media(text: str) -> tuple[str, list[Path]]:
    """Take the paths of pictures and recordings out of a prompt.

    Only what is clearly meant counts: a path from the root, the home or the current folder (`./cat.png`) with the
    ending of a picture or recording, of a file that is there. It may be quoted, or its spaces escaped.

    Returns:
        The rest of the text, and the files in their order.
    """
    found: list[Path] = []

    def take(match: re.Match[str]) -> str:
        quoted = match[1] or match[2]
        name = quoted or match[3].rstrip(_ENDING)
        path = _path(name, escaped=not quoted)
        if path is None:
            return match[0]
        found.append(path)
        return "" if quoted else match[3][len(name) :]

    rest = _PATH.sub(take, text)
    return (re.sub(r"[ \t]{2,}", " ", rest).strip(" \t") if found else text), found


def with_media(text: str, parts: Sequence[Part]) -> str:
    """Return a prompt with the paths of its pictures and recordings in it, as `take_media` finds them."""
    paths = (part.path for part in parts if isinstance(part, ImagePart | AudioPart))
    return " ".join([*(shlex.quote(path) for path in paths), text]).strip(" ")


def _path(name: str, *, escaped: bool) -> Path | None:
    candidates = [name]
    if name.startswith("file://"):
        candidates = [unquote(name.removeprefix("file://"))]
    elif escaped:
        candidates.append(re.sub(r"\\(.)", r"\1", name))
    for candidate in candidates:
        if media_type_of(candidate) is None:
            continue
        try:
            path = Path(candidate).expanduser()
            if path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            continue
    return None
