"""A loaded model for the length of one command."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.setup import Setup
from mistral_tui.engines.engine import Engine
from mistral_tui.engines.pool import EnginePool


@asynccontextmanager
async def loaded_engine(flags: ModelFlags, *, embedding: bool = False) -> AsyncGenerator[Engine, None]:
    """Load the model that the flags name, say what there is to know about it, and unload it at the end.

    Args:
        flags: Which model, and how to load it.
        embedding: Whether it is to make vectors instead of replies.

    Raises:
        MistralTuiError: It cannot be loaded.
    """
    setup = Setup.read(strict=True)
    options = msgspec.structs.replace(setup.load_options(flags), embedding=embedding)
    pool = EnginePool(setup.paths.logs)
    try:
        engine = await pool.acquire(setup.entry_or_error(flags.model), options)
        for notice in (*setup.notices, *engine.model.notices):
            say("note", notice)
        yield engine
    finally:
        await pool.close()
