"""What the environment says of the hub. Asked before its client is loaded, which reads it once and may fail on it."""

import os
from typing import Final
from urllib.parse import urlsplit

from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.text import printable_line

_ENDPOINT: Final = "https://huggingface.co"
_TRUE: Final = ("1", "ON", "YES", "TRUE")


def endpoint() -> str:
    """Return the address of the hub, without a slash at its end.

    Raises:
        DownloadFailed: `HF_ENDPOINT` is no address.
    """
    named = (os.environ.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/")
    try:
        address = urlsplit(named)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise DownloadFailed(f"HF_ENDPOINT ({printable_line(named)}) is no address; write it as in {_ENDPOINT}")
    return named


def host_of(address: str) -> str:
    """Return host and port of an address that `endpoint` returned, without what else it may contain."""
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"


def check_online(repository: str) -> None:
    """Do nothing, unless the variables of Hugging Face's programs forbid to use the network.

    Raises:
        DownloadFailed: They do.
    """
    if any(os.environ.get(name, "").upper() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        raise offline(repository)


def offline(repository: str) -> DownloadFailed:
    """Return the error for a fetch in offline mode."""
    return DownloadFailed(f"{repository} was not fetched: HF_HUB_OFFLINE is set; unset it to use the network")
