"""`mistral-tui models`: what can be run, and what is known of it."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from mistral_tui.cli.failures import say
from mistral_tui.cli.model_files import add, pull, remove, scan
from mistral_tui.cli.setup import Setup
from mistral_tui.cli.shared_models import loaded, unload
from mistral_tui.models.context_size import context_of_one_chat
from mistral_tui.models.gguf_header import GgufHeader, read_header
from mistral_tui.models.memory_fit import free_memory, gigabytes
from mistral_tui.models.projector_file import projector_of
from mistral_tui.types.catalog import CatalogEntry
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable_line

SCHEMA_VERSION = 1

models_app = typer.Typer(
    help="The models of this machine.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models_app.command("list")
def list_models(
    as_json: Json = False,
    check: Annotated[bool, typer.Option("--check", help="Ask the endpoints what they run.")] = False,
) -> None:
    """List all models: size, quantization, context, where they are from, and whether they are on this machine."""
    setup = Setup.read(strict=True)
    for notice in setup.notices:
        say("note", notice)
    if check:
        from mistral_tui.engines.remote.checking import models_of  # HTTP takes 70 ms to import

        setup.catalog.remote = asyncio.run(models_of(setup.catalog.endpoints))
    entries = setup.catalog.scan().entries
    if as_json:
        free = free_memory()
        _print_json([_plain(entry, free) for entry in entries])
    elif sys.stdout.isatty():
        _print_table(entries)
    else:
        for entry in entries:
            print("\t".join((printable_line(entry.name), *_columns(entry))))


@models_app.command("info")
def info(
    model: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model that is listed, or a .gguf file.")],
    as_json: Json = False,
) -> None:
    """Show what is known of a model, without loading it."""
    setup = Setup.read(strict=True)
    for notice in setup.notices:
        say("note", notice)
    found = setup.catalog.entry(model)
    entry = found.entry
    header = read_header(entry.path) if entry.downloaded and entry.format == "gguf" else None
    if as_json:
        _print_json({"schema_version": SCHEMA_VERSION, **_plain(found, free_memory()), **_details(found, header)})
        return
    rows = {"name": entry.name, "state": found.availability()}
    if entry.remote is None:
        rows |= {"path": str(entry.path), "size": gigabytes(entry.size_bytes)}
    rows["found in"] = _source(found)
    rows |= _rows(found, header)
    rows |= {"kind": entry.kind, "source": entry.source or "", "notes": entry.notes}
    rows |= {"system prompt": found.system_prompt, **found.publisher_says}
    rows |= {"problem": found.problem or ""}
    width = max(map(len, rows))
    for name, value in rows.items():
        if value:
            print(f"{name:<{width}}  {printable_line(value)}")


def _source(entry: CatalogEntry) -> str:
    return f"{entry.source}, {entry.origin}" if entry.origin and entry.source != "inventory" else entry.source


def _projector(entry: ModelEntry) -> str:
    """Return the file with which the model sees or hears; empty if there is none."""
    path = projector_of(entry.path, str(entry.mmproj) if entry.mmproj else None)
    return str(path) if path is not None else ""


def _columns(entry: CatalogEntry) -> tuple[str, str, str, str, str]:
    facts, form = entry.facts, entry.entry.format
    return (
        gigabytes(entry.entry.size_bytes) if entry.entry.size_bytes else "",
        entry.quantization or ("safetensors" if form == "safetensors" else ""),
        f"{facts.context_length:,}" if facts and facts.context_length else "",
        entry.source,
        entry.availability(),
    )


def _print_table(entries: tuple[CatalogEntry, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("quant", no_wrap=True)
    table.add_column("context", justify="right", no_wrap=True)
    table.add_column("where", no_wrap=True)
    for entry in entries:
        style = {"on disk": "", "remote": "", "damaged": "red", "unreachable": "red"}.get(entry.availability(), "dim")
        *columns, source, state = _columns(entry)
        where = source if state == "on disk" else state  # 80 columns have no room for both
        table.add_row(*(Text(cell, style) for cell in (printable_line(entry.name), *columns, where)))
    console = Console(highlight=False)
    console.print(table)
    for problem in dict.fromkeys(entry.problem for entry in entries if entry.problem):
        say("note", problem)
    if not any(entry.availability() in ("on disk", "remote") for entry in entries):
        console.print(Text("\nmistral-tui models pull fetches the starter", "dim"))


def _rows(found: CatalogEntry, header: GgufHeader | None) -> dict[str, str]:
    facts = found.facts
    if facts is None or facts.problem:
        return {"quantization": found.quantization}
    if found.source == "remote":
        return {"context": f"{facts.context_length:,} tokens" if facts.context_length else ""}
    needed = f"about {gigabytes(facts.memory_bytes)}" if facts.memory_bytes else ""
    n_ctx = context_of_one_chat(None, facts.context_length)
    return {
        "architecture": facts.architecture,
        "parameters": f"{facts.parameters:,}" if facts.parameters else "",
        "quantization": found.quantization,
        "context": f"{facts.context_length:,} tokens" if facts.context_length else "",
        "vocabulary": f"{header.n_vocab:,} tokens" if header else "",
        "takes": ", ".join(facts.modalities),
        "template": "in the file" if facts.has_template else "none: choose one with --chat-template",
        "licence": found.licence or "not stated",
        "memory": f"{needed} with a context of {n_ctx:,}" if header else needed,
        "projector": _projector(found.entry) if header else "",
    }


def _plain(found: CatalogEntry, free: int) -> dict[str, Any]:
    entry, facts = found.entry, found.facts
    return {
        "name": entry.name,
        "path": None if entry.remote else str(entry.path),
        "format": entry.format,
        "kind": entry.kind,
        "size_bytes": entry.size_bytes,
        "state": found.availability(),
        "quantization": found.quantization or None,
        "context_length": facts.context_length if facts and facts.context_length else None,
        "modalities": list(found.modalities),
        "license": found.licence or None,
        "memory_bytes": found.memory_bytes or None,
        "fits": found.fits(free),
        "found_in": found.source,
        "origin": found.origin,
        "aliases": list(found.aliases),
        "source": entry.source,
        "notes": entry.notes,
        "problem": found.problem,
    }


def _details(found: CatalogEntry, header: GgufHeader | None) -> dict[str, Any]:
    said = {"system_prompt": found.system_prompt or None, "publisher_says": found.publisher_says}
    if header is None:
        return said
    return said | {
        "architecture": header.architecture,
        "model_name": header.name,
        "parameters": header.parameters,
        "chat_template": header.chat_template,
        "n_layers": header.n_layers,
        "n_embd": header.n_embd,
        "n_vocab": header.n_vocab,
        "files": [str(part) for part in header.parts],
        "projector": _projector(found.entry) or None,
    }


def _print_json(value: Any) -> None:
    # ASCII: half a surrogate pair in a file's text could not be encoded otherwise.
    print(json.dumps(value, indent=2))


models_app.command("pull")(pull)
models_app.command("add")(add)
models_app.command("remove")(remove)
models_app.command("scan")(scan)
models_app.command("loaded")(loaded)
models_app.command("ps", hidden=True)(loaded)
models_app.command("unload")(unload)
