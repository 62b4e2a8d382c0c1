"""What commands say of endpoints that they have asked."""

import asyncio
from collections.abc import Sequence

import msgspec

from mistral_tui.models.remote import listed_remote, remote_entries
from mistral_tui.types.catalog import CatalogEntry, ModelFacts
from mistral_tui.types.endpoints import Endpoint


def checked(entries: Sequence[CatalogEntry], endpoints: Sequence[Endpoint]) -> tuple[CatalogEntry, ...]:
    """Return the list of models after asking the endpoints.

    What the settings name of an endpoint stays, with the context that it told; of one without names all that it runs
    is listed. Models of endpoints that cannot be used have a problem.

    Args:
        entries: All models.
        endpoints: Those of the settings.
    """
    from mistral_tui.engines.remote.checking import check_endpoints  # HTTP takes 70 ms to import

    found = [entry for entry in entries if entry.source != "remote"]
    for report in asyncio.run(check_endpoints(endpoints)):
        served = {model.name: model.n_ctx for model in report.models}
        named = msgspec.structs.replace(report.endpoint, models=report.endpoint.models or tuple(served))
        for model in remote_entries((named,)):
            n_ctx = report.endpoint.n_ctx or served.get(model.remote.name if model.remote else "", 0)
            facts = ModelFacts(context_length=n_ctx, problem=report.problem)
            found.append(msgspec.structs.replace(listed_remote(model), facts=facts))
    return tuple(found)
