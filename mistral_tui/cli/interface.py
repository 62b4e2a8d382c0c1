"""Opens the terminal interface."""

import contextlib
import gc
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mistral_tui.chat.model_library import ModelLibrary
from mistral_tui.chat.workspace import Workspace
from mistral_tui.cli.agent_flags import agent_options
from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.pools import pool_for
from mistral_tui.cli.setup import Setup
from mistral_tui.cli.terminal import draws_unicode, in_browser, prepare_drawing
from mistral_tui.config.keymap import read_keymap
from mistral_tui.engines.pool import GGUF_LOADER
from mistral_tui.models.downloads import Fetch
from mistral_tui.store.store import Store
from mistral_tui.tools.policy.policy import Policy
from mistral_tui.tools.servers import Servers
from mistral_tui.tui.actions.keymap import apply_keymap
from mistral_tui.tui.app import MistralApp
from mistral_tui.tui.models.starter import Starter
from mistral_tui.types.errors import InvalidRequest, ModelNotFound
from mistral_tui.types.models import ModelEntry

if TYPE_CHECKING:
    from mistral_tui.models.adding import OwnInventory


def open_interface(flags: ModelFlags, loader: str = GGUF_LOADER) -> int:
    """Show the interface until the person leaves it, and return the exit status.

    Args:
        flags: Which model to open it on, and how to load that. A model that is named and cannot be found is an
            error; what is wrong with settings and inventory is told in the interface.
        loader: What loads models in their workers.
    """
    about_terminal = prepare_drawing()
    if in_browser():
        from mistral_tui.cli.web import end_with_server

        end_with_server()
    setup = Setup.read(strict=False)
    entry, notices = _choose(setup, flags.wanted)
    try:
        agent = agent_options(flags, setup.settings, setup.paths)
    except InvalidRequest as error:
        if not setup.settings.agent_mode or flags.agent_mode:
            raise
        agent, notices = None, (*notices, f"agent_mode: {error}")
    workspace = Workspace(
        pool_for(setup, flags, loader),
        Store(setup.paths.database),
        entry,
        setup.load_options(flags),
        setup.request(flags),
        lambda: setup.catalog,
        Servers.of(setup.paths, Path.cwd(), agent),
        Policy.of(setup.paths),
    )

    try:
        workspace.embedding_entry = setup.embedding_entry
    except ModelNotFound as error:
        notices = (*notices, f"embedding_model: {error}; the model that answers is used instead")
    workspace.limits = setup.pool_limits(flags)
    fetch = _fetching(setup)
    library = ModelLibrary(workspace, fetch, setup.paths, partial(_own_inventory, setup))
    entries, about_keymap = read_keymap(setup.paths.keymap)
    about_keys = apply_keymap(entries)
    if setup.settings.pictures:
        # It asks the terminal what it can draw while it is imported: once the app runs, the answer would be keys.
        with contextlib.suppress(ImportError):
            import_module("textual_image.widget")
    app = MistralApp(
        workspace,
        theme=setup.settings.theme,
        notices=(*about_terminal, *notices, *about_keymap, *about_keys),
        starter=_starter(setup, fetch),
        own_themes=setup.paths.themes,
        own_templates=setup.paths.chat_templates,
        vim_keys=bool(setup.settings.vim_keys),
        library=library,
        notifications=setup.settings.notifications is not False,
        ascii_only=not draws_unicode(),
        screen_reader=bool(setup.settings.screen_reader if flags.screen_reader is None else flags.screen_reader),
        painted=_sweep_seldom,
        on_terminal=not in_browser(),
    )
    _sweep_seldom()
    app.run()
    if workspace.last_words:
        say("note", workspace.last_words)
    if app.fault is not None:
        raise app.fault
    return app.return_code or 0


def _sweep_seldom() -> None:
    """Let what is loaded by now stay for good: looking through all of it for garbage would hold up keys by 0.05 s."""
    gc.collect(1)
    gc.freeze()
    gc.set_threshold(2000, 20, 10)


def _choose(setup: Setup, wanted: str | None) -> tuple[ModelEntry | None, tuple[str, ...]]:
    """Return the model to open, and what to tell; a default that is not there must not keep anyone out."""
    try:
        return setup.entry(wanted), setup.notices
    except (ModelNotFound, InvalidRequest) as error:
        if wanted is not None:
            raise
        return setup.inventory.smallest_on_disk(), (*setup.notices, f"default_model: {error}")


def _starter(setup: Setup, fetch: Fetch) -> Starter | None:
    entry = setup.inventory.starter
    return None if entry is None else Starter(entry, partial(fetch, entry))


def _fetching(setup: Setup) -> Fetch:
    """Return what fetches models into their folder."""

    async def fetch_model(entry: ModelEntry, report: Callable[[int, int], None]) -> ModelEntry:
        return await _own_inventory(setup).fetch(entry, report)

    return fetch_model


def _own_inventory(setup: Setup) -> "OwnInventory":
    from mistral_tui.models.adding import OwnInventory  # importing it would delay the first paint by a tenth

    return OwnInventory(setup.paths.inventory_overlay, setup.paths.models, setup.inventory_now)
