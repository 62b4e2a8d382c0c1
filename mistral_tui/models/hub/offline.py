"""Whether the person wants the network to be used at all; asked before the hub's client is even loaded."""

import os

from mistral_tui.types.errors import DownloadFailed

_TRUE = ("1", "ON", "YES", "TRUE")


def check_online(repository: str) -> None:
    """Do nothing, unless the hub's variables forbid its use.

    Raises:
        DownloadFailed: They do.
    """
    # The client reads them once, when it is loaded.
    if any(os.environ.get(name, "").upper() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        raise offline(repository)


def offline(repository: str) -> DownloadFailed:
    """Return the error for a fetch in offline mode."""
    return DownloadFailed(f"{repository} was not fetched: HF_HUB_OFFLINE is set; unset it to use the network")
