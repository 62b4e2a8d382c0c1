"""Models of endpoints, as entries among the others. Nobody is asked for this."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mistral_tui.types.catalog import CatalogEntry, ModelFacts
from mistral_tui.types.endpoints import Endpoint, RemoteModel
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable_line

KEY_VARIABLE: Final = "MISTRAL_TUI_API_KEY"
"""Where the key of an endpoint is that the settings do not name."""


def remote_entries(endpoints: Iterable[Endpoint]) -> tuple[ModelEntry, ...]:
    """Return the models that the settings name; an endpoint without names is one entry, its only model."""
    return tuple(_entry(endpoint, model) for endpoint in endpoints for model in endpoint.models or ("",))


def remote_entry(endpoints: Sequence[Endpoint], wanted: str) -> ModelEntry | None:
    """Return the model of an endpoint that a person means, if it is one.

    Args:
        endpoints: Those of the settings.
        wanted: `NAME`, `NAME/MODEL`, or an address, with the model behind a `#`.

    Raises:
        InvalidRequest: It is an address that cannot be one.
    """
    name, _, model = wanted.partition("/")
    for endpoint in endpoints:
        if endpoint.name == name:
            return _entry(endpoint, model or (endpoint.models[0] if len(endpoint.models) == 1 else ""))
    if not wanted.startswith(("http://", "https://")):
        return None
    url, _, model = wanted.partition("#")
    for endpoint in endpoints:
        if endpoint.base == Endpoint("any", url).base:
            return _entry(endpoint, model)
    return _entry(_unnamed(url), model)


def listed_remote(entry: ModelEntry) -> CatalogEntry:
    """Return a remote model as it is listed: of it is known what the settings say."""
    assert entry.remote is not None
    endpoint = entry.remote.endpoint
    return CatalogEntry(entry, "remote", endpoint.base, ModelFacts(context_length=endpoint.n_ctx or 0))


def _unnamed(url: str) -> Endpoint:
    checked = Endpoint("any", url)
    key = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else None
    return Endpoint(urlsplit(checked.base).netloc.strip("[]").replace("]", ""), url, api_key_env=key)


def _entry(endpoint: Endpoint, model: str) -> ModelEntry:
    name = printable_line(f"{endpoint.name}/{model}" if model else endpoint.name)
    return ModelEntry(
        name,
        Path(name),
        "remote",
        0,
        downloaded=True,
        remote=RemoteModel(endpoint, model),
    )
