"""Asking endpoints whether they are there, and what they run."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from mistral_tui.engines.remote.client import Client
from mistral_tui.engines.remote.served import ServedModel, served_models
from mistral_tui.models.remote import listed_remote, remote_entries
from mistral_tui.types.catalog import CatalogEntry, ModelFacts
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


async def models_of(endpoints: Sequence[Endpoint]) -> tuple[CatalogEntry, ...]:
    """Return the models of endpoints after asking these.

    What the settings name of an endpoint stays, with the context that it told; of one without names all that it runs
    is listed. Models of endpoints that cannot be used have a problem.
    """
    found: list[CatalogEntry] = []
    for report in await check_endpoints(endpoints):
        served = {model.name: model.n_ctx for model in report.models}
        named = msgspec.structs.replace(report.endpoint, models=report.endpoint.models or tuple(served))
        for model in remote_entries((named,)):
            n_ctx = report.endpoint.n_ctx or served.get(model.remote.name if model.remote else "", 0)
            facts = ModelFacts(context_length=n_ctx, problem=report.problem)
            found.append(msgspec.structs.replace(listed_remote(model), facts=facts))
    return tuple(found)


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
