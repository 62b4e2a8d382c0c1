"""The child that measures how a model is loaded best on this machine.

    python -m mistral_tui.engines.gguf.tuning JOB PARENT_PID

`JOB` is a `TuningJob` as JSON. Every line on standard output is one, too: `TuningStep`s, and at the end a `Tuning`.

The values of a setting are measured in turns, and twice, because other programs disturb. One is chosen if it was
clearly better than the default both times, and the next setting is tried on top of it.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Final

import msgspec

from mistral_tui.engines.cores import usable_cores
from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.engines.gguf.library import log
from mistral_tui.engines.gguf.machine import machine
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.placement import place
from mistral_tui.engines.gguf.rpc.workers import connect
from mistral_tui.engines.gguf.scheduling.threads import MOST_THREADS
from mistral_tui.engines.jobs.tuned import Tuned, key_of, tuned_file, write_tuned
from mistral_tui.engines.jobs.tuning import Trial, Tuning, TuningJob, TuningStep
from mistral_tui.models.context_size import BATCH_TOKENS
from mistral_tui.processes.parent_death import end_with_parent
from mistral_tui.types.choices import FlashAttention, KvType
from mistral_tui.types.errors import EngineError, MistralTuiError, ModelError
from mistral_tui.types.models import QUANTIZED_KV, LoadOptions

CLEARLY: Final = 1.05
"""So much faster something must be to be chosen."""
_ROUNDS: Final = 2
_SECONDS: Final = 60.0
"""After this nothing more is begun."""
_PROMPT_SECONDS: Final = 0.8
_DEEP_SECONDS: Final = 2.5
_REPLY_SECONDS: Final = 0.6
"""How long one measurement takes about."""
_FEWEST, _MOST_PROMPT, _MOST_REPLY = 32, 2048, 48
_TURN: Final = (256, 128)
"""Tokens of prompt and reply in a turn: by its time settings are compared."""


class Rates(msgspec.Struct, frozen=True):
    """Tokens a second."""

    prompt: float
    reply: float

    def of_turn(self) -> float:
        """Return the seconds of a usual turn."""
        prompt, reply = _TURN
        return prompt / self.prompt + reply / self.reply

    def of_prompt(self) -> float:
        """Return the seconds of a token of a prompt."""
        return 1 / self.prompt


class Tuner:
    """Measures one loaded model.

    Args:
        model: The model.
        options: What they fix is not measured.
        tell: Takes what is measured now.
    """

    def __init__(self, model: Model, options: LoadOptions, tell: Callable[[TuningStep], None]) -> None:
        self._model = model
        self._tell = tell
        self._began = monotonic()
        self._most_threads = min(usable_cores(), MOST_THREADS)
        self._fixed = options
        self._options = msgspec.structs.replace(
            options,
            threads=options.threads or self._most_threads,
            batch_tokens=options.batch_tokens or BATCH_TOKENS,
            flash_attention=_default_flash(options, model),
        )
        self.trials: list[Trial] = []
        self._rates = _measure(model, self._options, _FEWEST, _FEWEST // 4)
        """Of the options so far."""

    def run(self, kv_types: Sequence[KvType], *, take_kv_type: bool) -> Tuned:
        """Try one setting after the other and return what is worth choosing."""
        fixed, default = self._fixed, self._options
        if fixed.threads is None:
            self._try("threads", "threads", _halves(self._most_threads), 0.0)
        if fixed.flash_attention == "auto" and fixed.kv_type not in QUANTIZED_KV:
            self._try("flash attention", "flash_attention", ("on", "off"), 0.25, deep=True)
        if fixed.batch_tokens is None:
            largest = _MOST_PROMPT if self._model.placement.devices else BATCH_TOKENS
            sizes = [size for size in (128, 256, 512, 1024, 2048) if size <= largest]
            self._try("batch", "batch_tokens", sizes, 0.5, deep=True)
        best = self._options
        if fixed.kv_type == "f16" and kv_types:
            self._try("KV cache", "kv_type", kv_types, 0.75, deep=True, choose=take_kv_type)
        flash = best.flash_attention if best.flash_attention != default.flash_attention else "auto"
        return Tuned(
            threads=best.threads if best.threads != default.threads else None,
            flash_attention=None if flash == "auto" else flash,
            batch_tokens=best.batch_tokens if best.batch_tokens != default.batch_tokens else None,
            kv_type=self._options.kv_type if self._options.kv_type != default.kv_type else None,
        )

    def _try(
        self,
        setting: str,
        field: str,
        values: Sequence[Any],
        fraction: float,
        *,
        deep: bool = False,
        choose: bool = True,
    ) -> None:
        """Measure some values of a setting beside the one so far.

        Args:
            setting: What people call it.
            field: Of `LoadOptions`.
            values: What to try.
            fraction: How much of everything is done.
            deep: Whether a long context makes the difference.
            choose: Whether to take the best.
        """
        prompt = int(self._rates.prompt * (_DEEP_SECONDS if deep else _PROMPT_SECONDS))
        prompt = max(_FEWEST, min(prompt, _MOST_PROMPT))
        reply = max(_FEWEST // 4, min(int(self._rates.reply * _REPLY_SECONDS), _MOST_REPLY))
        default = getattr(self._options, field)
        if field == "batch_tokens":
            values = [size for size in values if size <= prompt]
        candidates = list(dict.fromkeys([default, *values]))
        if len(candidates) < 2 or monotonic() > self._began + _SECONDS:
            return
        rounds: list[dict[Any, Rates]] = []
        for _ in range(_ROUNDS):
            rounds.append({})
            for value in list(candidates):
                self._tell(TuningStep(f"{setting} {value}", fraction))
                options = msgspec.structs.replace(self._options, **_field(field, value))
                try:
                    rounds[-1][value] = _measure(self._model, options, prompt, reply)
                except ModelError:  # this model cannot be had so, or there is no memory for it
                    candidates.remove(value)
        # A batch of one token is as fast whatever the largest may be.
        seconds = Rates.of_prompt if field == "batch_tokens" else Rates.of_turn
        winner = max(candidates, key=lambda value: _least_gain(rounds, default, value, seconds))
        clearly = _least_gain(rounds, default, winner, seconds) >= CLEARLY
        chosen = winner if choose and clearly else default
        self._options = msgspec.structs.replace(self._options, **_field(field, chosen))
        for value in candidates:
            best = Rates(max(each[value].prompt for each in rounds), max(each[value].reply for each in rounds))
            self.trials.append(Trial(setting, str(value), best.prompt, best.reply, value == chosen))
            if value == chosen:
                self._rates = best


def _least_gain(
    rounds: Sequence[dict[Any, Rates]], default: Any, value: Any, seconds: Callable[[Rates], float]
) -> float:
    """Return how many times as fast a value was as the default, in the round in which it did worst."""
    return min(seconds(each[default]) / seconds(each[value]) for each in rounds)


def _field(field: str, value: Any) -> dict[str, Any]:
    if field == "kv_type" and value in QUANTIZED_KV:
        return {field: value, "flash_attention": "on"}  # it cannot be had without
    return {field: value}


def _default_flash(options: LoadOptions, model: Model) -> FlashAttention:
    if options.flash_attention != "auto":
        return options.flash_attention
    return "on" if model.placement.on_gpu or options.kv_type in QUANTIZED_KV else "off"


def _measure(model: Model, options: LoadOptions, prompt: int, reply: int) -> Rates:
    """Compute a prompt of so many tokens and write so many more."""
    cells = -(-(prompt + reply + 8) // 256) * 256
    batch, threads = options.batch_tokens or BATCH_TOKENS, options.threads or 1
    context = Context(model, cells, 1, threads, batch, options.kv_type, options.flash_attention)
    tokens = [number * 7919 % model.vocabulary.size for number in range(prompt + reply)]
    try:
        _compute(context, tokens[:8], 0)  # what is slow once only
        context.clear()
        began = perf_counter()
        for position in range(0, prompt, context.batch_tokens):
            _compute(context, tokens[position : min(position + context.batch_tokens, prompt)], position)
        between = perf_counter()
        for position in range(prompt, prompt + reply):
            _compute(context, tokens[position : position + 1], position)
        return Rates(prompt / (between - began), reply / (perf_counter() - between))
    finally:
        context.close()


def _compute(context: Context, tokens: Sequence[int], position: int) -> None:
    context.clear_batch()
    row = context.add(0, tokens, position, logits=True)
    outcome = context.decode()
    if outcome != Decoded.DONE:
        raise EngineError(f"llama.cpp stopped computing: {log().reason() or outcome}")
    context.has_nan(row)  # asks for the result, which a GPU may still owe


def _halves(most: int) -> list[int]:
    counts = {most, most - 1, 1}
    while most > 1:
        counts.add(most)
        most //= 2
    return sorted(count for count in counts if count > 0)


def run(job: TuningJob, tell: Callable[[TuningStep], None]) -> Tuning:
    """Load the model, measure it, keep the choice and return it.

    Raises:
        MistralTuiError: It cannot be loaded or computed.
    """
    log()
    workers = connect(job.options.rpc)
    placement = place(job.options, workers.devices)
    model = Model(job.path, job.name, placement, False, lambda part: tell(TuningStep("loading", 0.0)), lambda: False)
    try:
        tuner = Tuner(model, job.options, tell)
        kv_types: tuple[KvType, ...] = () if job.profile == "quality" else ("f16", "q8_0")
        tuned = tuner.run(kv_types, take_kv_type=job.profile == "fast")
    finally:
        model.close()
    unsaved = None
    try:
        write_tuned(tuned_file(), key_of(Path(job.path), machine(placement)), tuned)
    except OSError as error:
        unsaved = f"{tuned_file()} cannot be written: {error.strerror or error}"
    return Tuning(tuple(tuner.trials), tuned, placement.name, unsaved)


def main() -> None:
    """Run the job that the command line names."""
    job, parent_pid = sys.argv[1:]
    end_with_parent(int(parent_pid))

    def tell(message: TuningStep | Tuning) -> None:
        print(msgspec.json.encode(message).decode(), flush=True)

    try:
        tell(run(msgspec.json.decode(job, type=TuningJob), tell))
    except MistralTuiError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
