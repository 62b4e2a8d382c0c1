"""Asking endpoints whether they are there, and what they run."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from mistral_tui.engines.remote.client import Client
from mistral_tui.engines.remote.served import ServedModel, served_models
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import EndpointError

SECONDS = 5.0
"""How long an endpoint may take."""


class EndpointReport(msgspec.Struct, frozen=True):
    """What became of asking one endpoint."""

    endpoint: Endpoint
    models: tuple[ServedModel, ...] = ()
    seconds: float = 0.0
    """How long it took to answer."""
    problem: str | None = None
    """Why it cannot be used."""


async def check_endpoints(endpoints: Sequence[Endpoint], seconds: float = SECONDS) -> tuple[EndpointReport, ...]:
    """Ask all endpoints at once for their models, each for at most so many seconds."""
    return tuple(await asyncio.gather(*(_check(endpoint, seconds) for endpoint in endpoints)))


async def _check(endpoint: Endpoint, seconds: float) -> EndpointReport:
    quick = msgspec.structs.replace(endpoint, connect_seconds=min(endpoint.connect_seconds, seconds))
    client = Client(quick)
    began = time.perf_counter()
    try:
        models = await client.within(served_models(client, seconds), seconds)
    except EndpointError as error:
        return EndpointReport(endpoint, problem=str(error))
    finally:
        await client.close()
    return EndpointReport(endpoint, models, time.perf_counter() - began)
