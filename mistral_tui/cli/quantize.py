"""`mistral-tui quantize`: a smaller model of a larger one."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ArgumentParser, ModelFlags, absolute
from mistral_tui.cli.progress_line import ProgressLine
from mistral_tui.config.paths import Paths
from mistral_tui.engines.jobs.quantization import Quantization, QuantizeProgress, quantize
from mistral_tui.models.inventory import Inventory
from mistral_tui.models.memory_fit import gigabytes
from mistral_tui.models.overlay import register
from mistral_tui.types.errors import InvalidRequest, ModelNotFound
from mistral_tui.types.text import printable, printable_line


class QuantizeFlags(ModelFlags):
    """What is to be made of what."""

    source: str
    target: str
    type: str
    imatrix: str | None = None
    allow_requantize: bool = False
    overwrite: bool = False


def quantize_model(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Quantize a model, put it into the inventory, print where it is, and return the exit status."""
    call = _parser().parse_args(arguments, namespace=QuantizeFlags(**vars(flags)))
    paths = Paths.resolve()
    source = Inventory.load(None, paths.inventory_overlay, paths.models).find(call.source)
    if not source.downloaded:
        raise ModelNotFound(f"the model {source.name} is not on this machine: there is no {source.path}")
    target = Path(absolute(call.target))
    if target.is_dir():
        raise InvalidRequest(f"{target} is a folder; name the file to write")
    if target.exists() and not call.overwrite:
        raise InvalidRequest(f"{target} exists; name another file, or say --overwrite")
    imatrix = Path(absolute(call.imatrix)) if call.imatrix is not None else None
    work = Quantization(source.path, target, call.type, imatrix, call.allow_requantize, call.threads or 0)
    began = time.monotonic()
    with ProgressLine() as line:

        def show(progress: QuantizeProgress) -> None:
            line.show(f"quantizing {printable_line(source.name)} to {work.file_type}", progress.done / progress.total)

        asyncio.run(quantize(work, show))
    size = target.stat().st_size
    register(paths.inventory_overlay, target.stem, {"path": str(target), "format": "gguf", "size_gb": size / 1e9})
    before = source.path.stat().st_size
    seconds = time.monotonic() - began
    say("note", f"{gigabytes(before)} became {gigabytes(size)} in {seconds:.1f} s; the inventory knows {target.stem}")
    print(printable(str(target)))
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "mistral-tui quantize", "Make a smaller model file of a larger one, and add it to the inventory."
    )
    parser.add_argument("source", metavar="IN", help="a name from the inventory, or a .gguf file")
    parser.add_argument("target", metavar="OUT", help="the file to write")
    parser.add_argument("--type", required=True, metavar="TYPE", help="such as Q4_K_M, Q8_0, or mistral.rs's Q4K and 4")
    parser.add_argument("--imatrix", metavar="FILE", help="importance matrix (GGUF), as llama-imatrix writes it")
    parser.add_argument(
        "--allow-requantize", action="store_true", help="take a model that is quantized already, at a loss"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument("--threads", type=int, metavar="N", help="threads to use; all cores unless told")
    return parser
