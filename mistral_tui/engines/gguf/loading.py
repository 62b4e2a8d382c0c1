"""From a file to an engine that answers: weights, context, chat template, and a first computation as a proof."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import msgspec

from mistral_tui.config.debugging import debugging
from mistral_tui.engines.chat_files import chat_files_folder
from mistral_tui.engines.gguf.adapters import Adapters
from mistral_tui.engines.gguf.context import Context, Decoded
from mistral_tui.engines.gguf.embedding.loop import EmbeddingLoop
from mistral_tui.engines.gguf.embedding.pooling import LARGEST_DEFAULT, PoolingContext
from mistral_tui.engines.gguf.kv.spill import SpillPlace
from mistral_tui.engines.gguf.library import build, cpu_features, log
from mistral_tui.engines.gguf.machine import machine
from mistral_tui.engines.gguf.media.reader import MediaReader
from mistral_tui.engines.gguf.model import Model
from mistral_tui.engines.gguf.placement import check_memory, place
from mistral_tui.engines.gguf.rpc.workers import connect
from mistral_tui.engines.gguf.sampling.defaults import read_defaults
from mistral_tui.engines.gguf.scheduling.scheduler import Scheduler
from mistral_tui.engines.gguf.scheduling.threads import ThreadGovernor
from mistral_tui.engines.gguf.text.prompt import PromptWriter
from mistral_tui.engines.jobs.tuned import Tuned, key_of, read_tuned, tuned_file, with_tuned
from mistral_tui.engines.preflight import may_be_accelerated
from mistral_tui.engines.worker.loop import EngineLoop
from mistral_tui.models.chat_template import ChatTemplate
from mistral_tui.models.context_size import BATCH_TOKENS, chats_at_once, context_of_one_chat, kv_cells
from mistral_tui.models.gguf_types import TENSOR_TYPES, TYPE_NUMBERS
from mistral_tui.models.memory_fit import free_memory
from mistral_tui.models.projector_file import projector_of
from mistral_tui.models.tensor_list import write_tensor_list
from mistral_tui.types.errors import (
    BadChatTemplate,
    BadModelFile,
    EngineError,
    InvalidRequest,
    LoadCancelled,
    NoChatTemplate,
)
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress

if TYPE_CHECKING:
    from mistral_tui.engines.gguf.media.projector import Projector
    from mistral_tui.engines.gguf.speculation.draft import Speculation

_PROOF_TOKENS: Final = 4
_WEIGHTS: Final = 0.8
"""Share of a load's progress that is the weights."""


def load(
    path: str,
    name: str,
    options: LoadOptions,
    on_progress: Callable[[LoadProgress], None],
    cancelled: Callable[[], bool],
    plain_kernels: bool = False,
) -> EngineLoop:
    """Load a model and prove with a small computation that it works.

    A build that this CPU cannot run crashes the process in that computation, if at all; `plain_kernels` avoids it.

    Args:
        path: A GGUF file.
        name: What people call the model.
        options: How to load it.
        on_progress: Called on this thread.
        cancelled: Asked often, on this thread.
        plain_kernels: Without repacked weights: slower, but without the crash of some builds on CPUs with AMX.

    Raises:
        InvalidRequest: `options` names a device that is not there.
        BadModelFile: llama.cpp refuses the file, or it computes nonsense.
        ModelError: It cannot have the KV cache that `options` ask for.
        NoChatTemplate: There is none in the file and none was given.
        BadChatTemplate: It does not parse.
        EngineError: An RPC worker does not answer.
        NotEnoughMemory: llama.cpp cannot allocate the context.
        LoadCancelled: `cancelled` said so.
    """
    log()

    def check_cancelled() -> None:
        if cancelled():
            raise LoadCancelled(f"loading {name} was cancelled")

    def on_weights(fraction: float) -> None:
        on_progress(LoadProgress("loading", fraction * _WEIGHTS))

    on_progress(LoadProgress("loading", 0))
    check_cancelled()
    workers = connect(options.rpc)
    placement = place(options, workers.devices)
    if placement.devices or may_be_accelerated():
        check_memory(placement, path, options)
    tuned = read_tuned(tuned_file(), key_of(Path(path), machine(placement))) or Tuned()
    options = with_tuned(options, tuned)
    model = Model(path, name, placement, plain_kernels, on_weights, cancelled)
    context: Context | PoolingContext | None = None
    projector: Projector | None = None
    speculation: Speculation | None = None
    try:
        governor = ThreadGovernor(options.threads, tuned.threads)
        if options.embedding:
            context = _pooling_context(model, options, governor.count)
            loaded = _describe(model, context.longest, governor, options, plain_kernels)
            on_progress(LoadProgress("ready", 1))
            return EmbeddingLoop(loaded, model, context)
        if not model.writes_text:
            raise BadModelFile(f"{model.name} is no model that writes text; choose another")
        template = _template(model, options)
        check_cancelled()
        on_progress(LoadProgress("checking", _WEIGHTS))
        n_ctx = context_of_one_chat(options.n_ctx, model.trained_context)
        chats = chats_at_once(options.max_seqs, _chat_bytes(model, n_ctx, options), free_memory())
        cells = kv_cells(n_ctx, chats)
        context = Context(
            model,
            cells,
            chats,
            governor.count,
            # Every chat needs a token of its own in a decode.
            batch_tokens=max(options.batch_tokens or BATCH_TOKENS, chats),
            kv_type=options.kv_type,
            flash_attention=options.flash_attention,
        )
        check_cancelled()
        began = perf_counter()
        kv_token_bytes = _prove(model, context)
        workers.compute_within((perf_counter() - began) / _PROOF_TOKENS * context.batch_tokens)
        adapters = Adapters(model, context.handle, options.adapters)
        projector = _projector(model, options, governor, context.batch_tokens)
        loaded = msgspec.structs.replace(
            _describe(model, n_ctx, governor, options, plain_kernels),
            kv_tokens=context.cells,
            kv_token_bytes=kv_token_bytes,
            device_bytes=model.placement.taken,
        )
        if projector is not None:
            loaded = msgspec.structs.replace(loaded, sees=projector.sees, hears=projector.hears)
        writer = PromptWriter(template, model.vocabulary, n_ctx)
        reader = MediaReader(projector) if projector is not None else None
        spill = _spill_place(model, context, options, projector)
        idle = options.prefix_cache_n if options.kv_cache else 0
        if options.draft is not None:
            speculation = _speculation(model, context, chats, options, governor.count, plain_kernels, cancelled)
        scheduler = Scheduler(
            loaded, model, context, chats, writer, governor, adapters, reader, spill, idle, speculation
        )
    except BaseException:
        if speculation is not None:
            speculation.close()
        if projector is not None:
            projector.close()
        if context is not None:
            context.close()
        model.close()
        raise
    on_progress(LoadProgress("ready", 1))
    return scheduler


def _pooling_context(model: Model, options: LoadOptions, threads: int) -> PoolingContext:
    if model.writes_from_encoded:
        raise BadModelFile(f"{model.name} is no model for embeddings; choose another")
    # Never beyond what it was trained for: many such models have a table of positions that ends there.
    longest = min(options.n_ctx or LARGEST_DEFAULT, model.trained_context or LARGEST_DEFAULT)
    context = PoolingContext(model, longest, threads, options.flash_attention)
    try:
        context.compute([[0, 1, 2, 3][: model.vocabulary.size]])
    except EngineError as error:
        context.close()
        raise BadModelFile(f"{Path(model.path).name} loads but does not compute: {error}") from None
    return context


def _speculation(
    model: Model,
    context: Context,
    chats: int,
    options: LoadOptions,
    threads: int,
    plain_kernels: bool,
    cancelled: Callable[[], bool],
) -> "Speculation":
    # Imported here: it brings numpy, 60 ms.
    from mistral_tui.engines.gguf.speculation.draft import Speculation, check_vocabularies

    assert options.draft is not None
    if not context.goes_back:
        raise InvalidRequest(f"{model.name} cannot take back what was guessed wrong; load it without --draft")
    path = Path(options.draft)
    small = Model(str(path), path.stem, place(options), plain_kernels, lambda fraction: None, cancelled)
    try:
        check_vocabularies(small.vocabulary, model.vocabulary, path.stem)
        small_context = Context(small, context.cells, chats, threads)
        _prove(small, small_context)
    except BaseException:
        small.close()
        raise
    if not small_context.goes_back:
        small_context.close()
        small.close()
        raise InvalidRequest(f"{path.stem} cannot take back what it guessed wrong; choose another draft model")
    return Speculation(small, small_context, options.gamma)


def _template(model: Model, options: LoadOptions) -> ChatTemplate:
    text = options.chat_template or model.chat_template
    if not text or not text.strip():
        raise NoChatTemplate(f"{model.name} carries no chat template; name one with --chat-template")
    try:
        return ChatTemplate(text)
    except BadChatTemplate as error:
        raise BadChatTemplate(f"{model.name}: {error}") from None


def _projector(model: Model, options: LoadOptions, governor: ThreadGovernor, most_at_once: int) -> "Projector | None":
    path = projector_of(Path(model.path), options.mmproj)
    if path is None:
        return None
    # Imported here: the library behind it is loaded for models that see or hear.
    from mistral_tui.engines.gguf.media.projector import Projector

    return Projector(path, model, governor.count, most_at_once)


def _chat_bytes(model: Model, n_ctx: int, options: LoadOptions) -> int:
    """Return what a full chat takes of the KV cache; 0 where a part of that does not depend on its length."""
    if model.keeps_running_state:
        return 0
    packing = TENSOR_TYPES[TYPE_NUMBERS[options.kv_type]]
    return int(n_ctx * model.kv_values * packing.bytes / packing.block)


def _spill_place(
    model: Model, context: Context, options: LoadOptions, projector: "Projector | None"
) -> SpillPlace | None:
    if not options.spill_mb or not options.kv_cache:
        return None
    # Some models scale positions in another way when the context is larger than they were first trained for.
    first = model.metadata(f"{model.architecture}.rope.scaling.original_context_length")
    scaled = first is not None and first.isdigit() and context.cells > int(first)
    seen_with = projector.fingerprint if projector is not None else ""
    settings = f"{build()} {options.kv_type} {options.flash_attention} {scaled} {seen_with}"
    return SpillPlace(chat_files_folder(), options.spill_mb * 2**20, settings)


def _prove(model: Model, context: Context) -> int:
    """Compute a little, and return the bytes that a token took of the KV cache; 0: that depends on more than length."""
    empty = context.state_size(0)
    tokens = list(range(min(_PROOF_TOKENS, model.vocabulary.size)))
    row = context.add(0, tokens, 0, logits=True)
    outcome = context.decode()
    if outcome != Decoded.DONE:
        reason = log().reason() or f"llama.cpp's error {outcome}"
        raise BadModelFile(f"{Path(model.path).name} loads but does not compute: {reason}; choose another file")
    if context.has_nan(row):
        raise BadModelFile(f"{Path(model.path).name} computes no numbers (NaN): it is damaged; fetch it again")
    token_bytes = 0 if model.keeps_running_state else (context.state_size(0) - empty) // len(tokens)
    context.clear()
    return token_bytes


def _describe(
    model: Model, n_ctx: int, governor: ThreadGovernor, options: LoadOptions, plain_kernels: bool
) -> LoadedModel:
    notices = list(model.placement.notices)
    if 0 < model.trained_context < n_ctx:
        notices.append(f"{model.name} was trained for {model.trained_context:,} tokens; beyond that it may ramble")
    if options.threads is not None and options.threads > governor.count:
        notices.append(f"{options.threads} threads were asked for; this machine has cores for {governor.count}")
    if debugging():
        notices.append(write_tensor_list(Path(model.path), Path.cwd()))
    if plain_kernels:
        notices.append("loaded without repacked weights, because this build of llama.cpp crashes with them: slower")
    sampling, ignored = read_defaults(model)
    notices += ignored
    used = [feature for feature, on in cpu_features().items() if on and feature.startswith(("AVX", "AMX", "NEON"))]
    return LoadedModel(
        name=model.name,
        path=model.path,
        architecture=model.architecture,
        n_ctx=n_ctx,
        n_ctx_train=model.trained_context,
        n_vocab=model.vocabulary.size,
        size_bytes=model.size_bytes,
        build=" ".join(["llama.cpp", build(), *used]),
        device=model.placement.name,
        sampling=sampling,
        notices=tuple(notices),
    )
