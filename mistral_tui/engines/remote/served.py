"""What an endpoint says of itself: the models that it lists."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from mistral_tui.engines.remote.client import Client
from mistral_tui.engines.remote.failures import PassingFailure, Refused, described
from mistral_tui.types.errors import EndpointError
from mistral_tui.types.text import printable_line

SECONDS: Final = 15.0
"""How long a list may take."""
_CONTEXT_NAMES: Final = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "n_ctx",
    "n_ctx_train",
)


class ServedModel(NamedTuple):
    """A model that an endpoint lists."""

    name: str
    owner: str = ""
    """What the server says of itself, such as `vllm` or `llamacpp`."""
    n_ctx: int = 0
    """Tokens of its context; 0 if it does not say."""


async def served_model(client: Client, wanted: str) -> ServedModel:
    """Return the model that is meant.

    Args:
        client: Of the endpoint.
        wanted: Its name; empty: the only one.

    Raises:
        EndpointError: The endpoint cannot be used; or no model is named, and there is not exactly one.
    """
    try:
        served = await served_models(client)
    except PassingFailure as failure:
        if not wanted or not failure.answered:
            raise
        served = ()  # perhaps it still loads; the prompt will wait for it
    return _named(client, wanted, served)


async def served_models(client: Client, seconds: float = SECONDS) -> tuple[ServedModel, ...]:
    """Return what the endpoint lists; nothing if it has no list.

    Raises:
        EndpointError: It cannot be reached, or refuses whom it does not know.
    """
    try:
        listed = await client.get("/models", seconds)
    except Refused as refusal:
        if refusal.status in (404, 405, 501):
            return ()
        raise
    return tuple(_models(listed))


def _named(client: Client, wanted: str, served: tuple[ServedModel, ...]) -> ServedModel:
    owner = served[0].owner if served else ""
    if wanted:
        # An endpoint may run more than it lists, for instance under shorter names.
        return next((model for model in served if model.name == wanted), ServedModel(wanted, owner))
    if len(served) == 1:
        return served[0]
    endpoint = client.endpoint
    if not served:
        raise EndpointError(f"{described(endpoint)} lists no models; name one: -m {endpoint.name}/MODEL")
    names = ", ".join(model.name for model in served[:20])
    raise EndpointError(f"{described(endpoint)} has several models; name one as in {endpoint.name}/NAME: {names}")


def _models(listed: Any) -> Iterator[ServedModel]:
    models = listed.get("data") if isinstance(listed, dict) else listed
    for each in models if isinstance(models, list) else ():
        if not isinstance(each, dict) or not isinstance(name := each.get("id"), str) or not name.strip():
            continue
        owner = each.get("owned_by")
        meta = each.get("meta")
        told = {**each, **meta} if isinstance(meta, dict) else each
        sizes = (told.get(key) for key in _CONTEXT_NAMES)
        n_ctx = next((size for size in sizes if isinstance(size, int) and 0 < size < 2**31), 0)
        yield ServedModel(printable_line(name), owner if isinstance(owner, str) else "", n_ctx)
