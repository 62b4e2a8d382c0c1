"""The log of this process, for people who ask for one with `--log`."""

import logging
import logging.handlers
from io import TextIOWrapper
from pathlib import Path

from mistral_tui.types.errors import ConfigError

_BYTES = 10_000_000
_FILES = 3


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A log that only its owner may read, also after a rotation."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).touch(0o600)
        return super()._open()


def log_to(path: str) -> None:
    """Write what the program logs to the file `path`, which is rotated at 10 MB.

    Raises:
        ConfigError: The file cannot be written.
    """
    try:
        handler = _PrivateFile(path, maxBytes=_BYTES, backupCount=_FILES - 1, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the log {path}: {error.strerror or error}; name another file") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("mistral_tui")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
