"""`mistral-tui bench`: how fast a model is on this machine."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from mistral_tui.cli.flags import ArgumentParser, ModelFlags, add_model_flags
from mistral_tui.cli.loaded import loaded_engine
from mistral_tui.cli.progress_line import ProgressLine
from mistral_tui.engines.jobs.measuring import Measurement, measure
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import LoadedModel, LoadOptions
from mistral_tui.types.text import printable_line

_TEMPLATE_TOKENS = 128
"""Room for what the chat template adds to a prompt."""


class BenchFlags(ModelFlags):
    """What is measured."""

    n_prompt: int = 512
    n_gen: int = 128
    concurrency: str = "1"
    repetitions: int = 5
    json: bool = False


def bench(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Measure a model, print the table and return the exit status."""
    call = _parser().parse_args(arguments, namespace=BenchFlags(**vars(flags)))
    concurrency = _counts(call.concurrency)
    if not call.n_prompt and not call.n_gen:
        raise InvalidRequest("there is nothing to measure; give -p or -g a number above 0")
    asyncio.run(_bench(call, concurrency))
    return 0


async def _bench(call: BenchFlags, concurrency: list[int]) -> None:
    def make_room(options: LoadOptions) -> LoadOptions:
        most = max(concurrency)
        needed = call.n_prompt + call.n_gen + _TEMPLATE_TOKENS
        return msgspec.structs.replace(options, max_seqs=most, n_ctx=max(options.n_ctx or 0, needed * most))

    lines: list[Measurement] = []
    async with loaded_engine(call, adapt=make_room) as engine:
        with ProgressLine() as progress:
            steps = len(concurrency) * ((call.n_prompt > 0) + (call.n_gen > 0))
            doing = f"measuring {printable_line(engine.model.name)}"
            progress.show(doing, 0.0)
            async for line in measure(engine, call.n_prompt, call.n_gen, concurrency, call.repetitions):
                lines.append(line)
                progress.show(doing, len(lines) / steps)
    if call.json:
        print(json.dumps([_plain(engine.model, line) for line in lines], indent=2))
    else:
        _print_table(engine.model, lines)


def _plain(model: LoadedModel, line: Measurement) -> dict[str, Any]:
    return {
        "model": model.name,
        "backend": model.device,
        "test": line.test,
        "tokens_per_second": line.tokens_per_second,
        "stddev": line.stddev,
        "ms_per_token": line.ms_per_token,
        "concurrency": line.concurrency,
        "throughput": line.throughput,
    }


def _print_table(model: LoadedModel, lines: Sequence[Measurement]) -> None:
    rows = [("model", "backend", "test", "t/s", "ms/t", "concurrency", "throughput/s")]
    rows += [
        (
            printable_line(model.name),
            printable_line(model.device),
            line.test,
            f"{line.tokens_per_second:.2f} ± {line.stddev:.2f}",
            f"{line.ms_per_token:.2f}",
            f"{line.concurrency}",
            f"{line.throughput:.2f}",
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"| {' | '.join(cells)} |")
        if number == 0:
            print(f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    sys.stdout.flush()


def _counts(text: str) -> list[int]:
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        counts = []
    if not counts or not all(1 <= count <= 256 for count in counts):
        raise InvalidRequest(f"-c takes numbers from 1 to 256, such as 1,2,4, and not {text!r}")
    return counts


def _whole(least: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        value = int(text)
        if not least <= value <= 10**6:
            raise ValueError
        return value

    return whole_number


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "mistral-tui bench",
        "Measure how fast a model computes prompts (pp) and writes replies (tg). Without -m: the default model.",
    )
    parser.add_argument("-p", "--n-prompt", type=_whole(0), metavar="N", help="tokens of a prompt; 512, 0 leaves out")
    parser.add_argument("-g", "--n-gen", type=_whole(0), metavar="N", help="tokens of a reply; 128, 0 leaves out")
    parser.add_argument("-c", "--concurrency", metavar="N,…", help="requests at a time, such as 1,2,4; 1")
    parser.add_argument("-r", "--repetitions", type=_whole(1), metavar="N", help="how often each is repeated; 5")
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    add_model_flags(parser, c_is_template=False)
    return parser
