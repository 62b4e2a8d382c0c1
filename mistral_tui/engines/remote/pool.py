"""The engines of endpoints that are in use: one connection pool an endpoint, one engine a model."""

import asyncio
from collections.abc import Callable

from mistral_tui.engines.engine import Engine
from mistral_tui.engines.remote.client import Client
from mistral_tui.engines.remote.engine import RemoteEngine
from mistral_tui.engines.remote.served import served_model
from mistral_tui.types.endpoints import Endpoint, RemoteModel
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import LoadedModel, LoadOptions


class RemoteEngines:
    """Makes engines of endpoints, and closes them.

    Args:
        tell: Told, on the event loop, what the person should know.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._clients: dict[tuple[str, str], Client] = {}
        self._engines: dict[tuple[str, str, str, int | None], RemoteEngine] = {}
        self._warned: set[str] = set()

    async def acquire(self, name: str, remote: RemoteModel, options: LoadOptions) -> Engine:
        """Return the engine of a model, after its endpoint was asked what it runs.

        Args:
            name: What people call the model.
            remote: Where it is.
            options: How models are loaded; of these only the context means something there.

        Raises:
            InvalidRequest: There are LoRAs among the options.
            EndpointError: The endpoint cannot be used.
        """
        if options.adapters:
            raise InvalidRequest("the LoRAs of a remote model are chosen at its server; leave --lora out")
        endpoint = remote.endpoint
        key = (endpoint.name, endpoint.base, remote.name, options.n_ctx)
        if key not in self._engines:
            client = self._clients.setdefault(key[:2], Client(endpoint))
            served = await served_model(client, remote.name)
            self._warn(client)
            n_ctx = options.n_ctx or endpoint.n_ctx or served.n_ctx
            shown = name if remote.name else f"{name}/{served.name}"
            self._engines.setdefault(
                key, RemoteEngine(client, served, _loaded(shown, endpoint, served.owner, n_ctx), self._tell)
            )
        return self._engines[key]

    async def close(self) -> None:
        """End all requests and connections."""
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    def _warn(self, client: Client) -> None:
        endpoint = client.endpoint
        open_to_all = client.has_key and not endpoint.is_encrypted and not endpoint.is_local
        if open_to_all and endpoint.base not in self._warned:
            self._warned.add(endpoint.base)
            self._tell(
                f"{endpoint.name}: its key and all that is said travel unencrypted to {endpoint.host}; use https"
            )


def _loaded(name: str, endpoint: Endpoint, owner: str, n_ctx: int) -> LoadedModel:
    return LoadedModel(
        name=name,
        path=endpoint.base,
        architecture="",
        n_ctx=n_ctx,
        n_ctx_train=n_ctx,
        n_vocab=0,
        size_bytes=0,
        build=owner or "OpenAI-compatible",
        device=endpoint.host,
        # Nobody says what it can; it will refuse what it cannot.
        sees=True,
        hears=True,
    )
