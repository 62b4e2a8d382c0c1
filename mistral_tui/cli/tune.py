"""`mistral-tui tune`: find out how a model is loaded best on this machine, and load it so from now on."""

import asyncio
import json
from collections.abc import Sequence
from typing import get_args

import msgspec

from mistral_tui.cli.failures import say
from mistral_tui.cli.flags import ArgumentParser, ModelFlags, add_model_flags
from mistral_tui.cli.progress_line import ProgressLine
from mistral_tui.cli.setup import Setup
from mistral_tui.engines.jobs.tuned import tuned_file
from mistral_tui.engines.jobs.tuning import Profile, Trial, Tuning, TuningStep, tune
from mistral_tui.types.models import ModelEntry
from mistral_tui.types.text import printable, printable_line

SCHEMA_VERSION = 1


class TuneFlags(ModelFlags):
    """What is measured, and how it is told."""

    profile: Profile = "balanced"
    emit_config: bool = False
    json: bool = False


def tune_model(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Measure a model, print what was found and chosen, and return the exit status."""
    call = _parser().parse_args(arguments, namespace=TuneFlags(**vars(flags)))
    setup = Setup.read(strict=True)
    entry = setup.entry_or_error(call.wanted)
    for notice in setup.notices:
        say("note", notice)
    with ProgressLine() as line:

        def show(step: TuningStep) -> None:
            line.show(f"measuring {printable_line(entry.name)}, {step.doing}", step.fraction)

        found = asyncio.run(tune(entry, setup.load_options(call), call.profile, show))
    if found.unsaved is not None:
        say("note", f"the choice is not kept: {found.unsaved}")
    if call.json:
        print(json.dumps(_plain(entry, call.profile, found), indent=2))
    elif call.emit_config:
        print("\n".join(_settings(found)))
    else:
        _print_table(found.trials)
        print(_conclusion(entry, found))
    return 0


def _plain(entry: ModelEntry, profile: Profile, found: Tuning) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "model": entry.name,
        "device": found.device,
        "profile": profile,
        "chosen": msgspec.to_builtins(found.tuned),
        "measured": [msgspec.to_builtins(trial) for trial in found.trials],
    }


def _settings(found: Tuning) -> list[str]:
    chosen = msgspec.to_builtins(found.tuned)
    lines = [f"{name} = {json.dumps(value)}" for name, value in chosen.items() if value is not None]
    return lines or ["# the defaults are the fastest"]


def _print_table(trials: Sequence[Trial]) -> None:
    rows = [("setting", "value", "prompt t/s", "reply t/s", "")]
    for before, trial in zip((None, *trials), trials, strict=False):
        setting = trial.setting if before is None or before.setting != trial.setting else ""
        mark = "chosen" if trial.chosen else ""
        rows.append((setting, trial.value, f"{trial.prompt_rate:.1f}", f"{trial.reply_rate:.1f}", mark))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row[:2], widths, strict=False))
        rates = (cell.rjust(width) for cell, width in zip(row[2:4], widths[2:], strict=False))
        print("  ".join((*cells, *rates, row[4])).rstrip())


def _conclusion(entry: ModelEntry, found: Tuning) -> str:
    tuned = found.tuned
    taken = []
    if tuned.threads is not None:
        taken.append(f"{tuned.threads} threads to begin with")
    if tuned.flash_attention is not None:
        taken.append(f"flash attention {tuned.flash_attention}")
    if tuned.batch_tokens is not None:
        taken.append(f"a batch of {tuned.batch_tokens}")
    name = printable_line(entry.name)
    text = f"{name} is loaded with {', '.join(taken)} from now on" if taken else f"{name}: the defaults are the fastest"
    if taken and found.unsaved is None:
        text += f" ({printable(str(tuned_file()))})"
    if tuned.kv_type is not None:
        text += f"\n--kv-type {tuned.kv_type} (kv_type in the settings) is faster still, and a little less precise"
    return text


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "mistral-tui tune",
        "Measure for a minute at most which threads, flash attention, batch and KV cache are fastest for a model, and\n"
        "load it so from now on. What a flag or the settings fix is not measured. Without -m: the default model.",
    )
    parser.add_argument(
        "--profile",
        choices=get_args(Profile),
        help="quality: nothing less precise is measured; balanced: measured, not taken; fast: named if it is faster",
    )
    parser.add_argument("--emit-config", "--emit", action="store_true", help="print lines for the settings file only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_model_flags(parser, c_is_template=False)
    return parser
