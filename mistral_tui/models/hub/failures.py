"""What went wrong with the hub, in one line that says what to do. Nothing of a token is ever in it."""

import os

import httpx2
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mistral_tui.models.hub.environment import host_of, offline
from mistral_tui.types.errors import DownloadFailed

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def explained(error: Exception, endpoint: str, repository: str, file: str | None = None) -> DownloadFailed:
    """Return the error for people that stands for one of the hub's client."""
    page = f"{endpoint.rstrip('/')}/{repository}" if "@" not in endpoint else repository
    hub = host_of(endpoint)
    if isinstance(error, OfflineModeIsEnabled):
        return offline(repository)
    if isinstance(error, GatedRepoError):
        return DownloadFailed(f"{repository} is gated: ask for access at {page}, then {LOG_IN}")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        if status == 401 and "Invalid" in (error.response.headers.get("X-Error-Message") or ""):
            return DownloadFailed(f"{hub} does not accept your token ({_token_place()}); {LOG_IN}")
        if isinstance(error, RemoteEntryNotFoundError):
            return DownloadFailed(f"{repository} has no file {file or 'of this name'}; {page}/tree/main lists them")
        if isinstance(error, RevisionNotFoundError):
            return DownloadFailed(f"{repository} has no branch main; look at {page}")
        if isinstance(error, RepositoryNotFoundError) or status in (401, 404):
            return DownloadFailed(
                f"{hub} has no repository {repository}, or it is private; check the name, or {LOG_IN}"
            )
        return DownloadFailed(f"{repository}: {_status(status, hub)}")
    if isinstance(error, httpx2.ProxyError):
        return DownloadFailed(f"the proxy does not let through to {hub}; check HTTPS_PROXY")
    if isinstance(error, httpx2.TimeoutException):
        return DownloadFailed(f"{hub} does not answer; check the network and try again")
    if isinstance(error, httpx2.TransportError):
        return DownloadFailed(f"{hub} cannot be reached ({type(error).__name__}); check the network")
    return DownloadFailed(f"{repository}: {hub} sent an answer that is not understood ({type(error).__name__})")


def _status(status: int, hub: str) -> str:
    if status == 403:
        return f"{hub} refuses it (403): your token may not read it; {LOG_IN} with one that may"
    if status == 429:
        return f"{hub} says too many requests (429); wait some minutes, or {LOG_IN}, which raises the limit"
    if status >= 500:
        return f"{hub} has a problem of its own ({status}); try again later"
    return f"{hub} answered with status {status}"


def _token_place() -> str:
    return "of HF_TOKEN" if os.environ.get("HF_TOKEN") else "that `hf auth login` stored"
