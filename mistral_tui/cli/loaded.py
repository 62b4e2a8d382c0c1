"""A loaded model for the length of one command."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.pools import pool_for
from mistral_tui.cli.setup import Setup
from mistral_tui.engines.engine import Engine
from mistral_tui.types.models import LoadOptions


def for_embeddings(options: LoadOptions) -> LoadOptions:
    """Return options with which a model makes vectors; that needs no chat template."""
    return msgspec.structs.replace(options, embedding=True)


@asynccontextmanager
async def loaded_engine(
    flags: ModelFlags, *, adapt: Callable[[LoadOptions], LoadOptions] = lambda options: options
) -> AsyncGenerator[Engine, None]:
    """Load the model that the flags name, say what there is to know about it, and unload it at the end.

    Args:
        flags: Which model, and how to load it.
        adapt: Returns the options that the command needs, made of those that the person wants.

    Raises:
        MistralTuiError: It cannot be loaded.
    """
    setup = Setup.read(strict=True)
    options = adapt(setup.load_options(flags))
    pool = pool_for(setup, flags)
    try:
        engine = await pool.acquire(setup.entry_or_error(flags.wanted), options)
        for notice in (*setup.notices, *engine.model.notices):
            say("note", notice)
        yield engine
    finally:
        await pool.close()
