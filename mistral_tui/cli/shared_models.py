"""`mistral-tui models loaded` and `unload`: what the process that shares models holds."""

import asyncio
import json
import math
import sys
from typing import Annotated, Any

import typer

from mistral_tui.config.paths import Paths
from mistral_tui.config.quantities import duration_words
from mistral_tui.engines.host.hosted import loaded_by_host, unload_shared
from mistral_tui.models.memory_fit import gigabytes
from mistral_tui.types.pool import HeldModel
from mistral_tui.types.text import printable_line

_COLUMNS = ("name", "memory", "state", "idle for", "unloaded in", "programs", "worker")


def loaded(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the models that programs share (--share): memory, what they do, who uses them."""
    held = asyncio.run(loaded_by_host(Paths.resolve().host))
    if as_json:
        print(json.dumps([_plain(model) for model in held], indent=2))
    elif sys.stdout.isatty():
        _print_table(held)
    else:
        for model in held:
            print("\t".join(_row(model)))


def unload(
    model: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model that `models loaded` lists.")],
) -> None:
    """Unload a shared model now; the next prompt loads it again."""
    asyncio.run(unload_shared(Paths.resolve().host, model))


def _row(model: HeldModel) -> tuple[str, ...]:
    idle = model.state == "idle"
    return (
        printable_line(model.name),
        gigabytes(model.memory_bytes),
        model.state,
        duration_words(model.idle_seconds) if idle else "",
        duration_words(model.seconds_left) if idle and math.isfinite(model.seconds_left) else "",
        " ".join(map(str, model.clients)),
        str(model.worker or ""),
    )


def _plain(model: HeldModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "path": model.path,
        "state": model.state,
        "memory_bytes": model.memory_bytes,
        "idle_seconds": round(model.idle_seconds, 1),
        "seconds_left": round(model.seconds_left, 1) if math.isfinite(model.seconds_left) else None,
        "clients": list(model.clients),
        "worker": model.worker,
    }


def _print_table(held: tuple[HeldModel, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not held:
        console.print(Text("no models are shared; --share, or share_models = true, lets programs share them", "dim"))
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column == "memory" else "left")
    for model in held:
        table.add_row(*map(Text, _row(model)))
    console.print(table)
