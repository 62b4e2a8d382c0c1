"""Model files on disk: are they there, how large are they, which files belong together."""

import re
import stat
from pathlib import Path

_SPLIT = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$")
_WEIGHTS = (".safetensors", ".bin", ".gguf")


def size_on_disk(path: Path) -> int | None:
    """Return the size of a model in bytes, or `None` if it is not there (or may not be looked at).

    A folder counts with the weights in it; the first file of a split GGUF with all its parts, all of which must
    be there.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return sum(file.stat().st_size for file in path.iterdir() if file.suffix in _WEIGHTS) or None
        if not stat.S_ISREG(status.st_mode):
            return None
        return sum(part.stat().st_size for part in split_parts(path))
    except (OSError, ValueError):  # ValueError: a path with a null character
        return None


def split_parts(path: Path) -> tuple[Path, ...]:
    """Return the files that a GGUF consists of, by its name: one, or `NAME-00001-of-0000N.gguf` and so on."""
    match = _SPLIT.match(path.name)
    if match is None:
        return (path,)
    stem, count = match["stem"], int(match["count"])
    return tuple(path.with_name(f"{stem}-{number:05}-of-{count:05}.gguf") for number in range(1, count + 1))
