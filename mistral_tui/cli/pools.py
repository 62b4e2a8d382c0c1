"""The pool that a face loads models in: its own, or the one that programs share."""

from mistral_tui.chat.workspace import Pool
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.setup import Setup
from mistral_tui.engines.pool import GGUF_LOADER, EnginePool
from mistral_tui.engines.routing import RoutingPool
from mistral_tui.types.pool import PoolLimits


def pool_for(setup: Setup, flags: ModelFlags, loader: str = GGUF_LOADER) -> Pool:
    """Return a pool as the flags want it, else the settings; models are not shared unless one of them says so."""
    limits = setup.pool_limits(flags)
    shared = setup.settings.share_models if flags.share is None else flags.share
    if not shared:
        return RoutingPool(EnginePool(setup.paths.logs, loader, limits))
    from mistral_tui.engines.host.hosted import HostedPool  # only for those who share

    insist = any(getattr(flags, name) is not None for name in PoolLimits.__struct_fields__)
    return RoutingPool(HostedPool(setup.paths.host, setup.paths.logs, loader, limits, insist=insist))
