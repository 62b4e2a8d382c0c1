"""All that a model's file says of it, for a person who wants to know: figures, metadata, chat template."""

from dataclasses import dataclass, replace
from typing import Final

from mistral_tui.models.context_size import LEAST_CHATS, context_of_one_chat, kv_cells
from mistral_tui.models.gguf_header import GgufHeader, header_from
from mistral_tui.models.gguf_reader import RawHeader, Value, read_raw
from mistral_tui.models.memory_fit import estimate, gigabytes
from mistral_tui.types.catalog import CatalogEntry
from mistral_tui.types.errors import BadModelFile, MistralTuiError
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.text import printable, printable_line

Lines = tuple[tuple[str, str], ...]
_LONGEST_VALUE: Final = 200
_LONGEST_KEY: Final = 60
_MOST_METADATA: Final = 200
_LONGEST_TEMPLATE: Final = 20_000


@dataclass(frozen=True)
class ModelDetails:
    """What is known of a model, made fit for a terminal: what stands in its file may be anything."""

    figures: Lines = ()
    """Names of figures and what they are."""
    metadata: Lines = ()
    """Keys of its file and their values; long ones are cut."""
    chat_template: str = ""
    problem: str = ""
    """Why its file cannot be used."""


def read_details(entry: CatalogEntry, options: LoadOptions) -> ModelDetails:
    """Read what there is to know of a model, in bounded time.

    Args:
        entry: The model.
        options: How it would be loaded: what memory it takes depends on that.
    """
    model = entry.entry
    known = ModelDetails(_figures(entry), problem=printable_line(entry.problem or ""))
    if not model.downloaded or model.format != "gguf" or entry.source == "remote":
        return known
    try:
        raw = read_raw(model.path)
        header = header_from(model.path, raw)
    except BadModelFile as error:
        return replace(known, problem=str(error))
    template = printable(header.chat_template or "")
    if len(template) > _LONGEST_TEMPLATE:
        template = f"{template[:_LONGEST_TEMPLATE]}\n… {len(template) - _LONGEST_TEMPLATE:,} more characters"
    return ModelDetails((*known.figures, *_of_header(header, options)), _metadata(raw), template)


def _figures(entry: CatalogEntry) -> Lines:
    model = entry.entry
    return _lines(
        ("file", str(model.path) if model.downloaded and entry.source != "remote" else ""),
        ("from", entry.origin if entry.origin != str(model.path.parent) else ""),
        ("goes to", "" if model.downloaded or entry.source == "remote" else str(model.path)),
        ("title", entry.facts.title if entry.facts else ""),
        ("licence", entry.licence),
        ("projector", str(model.mmproj or "")),
        ("LoRAs", ", ".join(path.name for path in model.adapters)),
        ("notes", model.notes),
        ("system prompt", entry.system_prompt),
        *entry.publisher_says.items(),
    )


def _of_header(header: GgufHeader, options: LoadOptions) -> Lines:
    n_ctx = context_of_one_chat(options.n_ctx, header.context_length)
    return _lines(
        ("architecture", header.architecture),
        ("parameters", f"{header.parameters:,}"),
        ("quantization", header.quantization),
        ("layers", f"{header.n_layers} of {header.n_embd:,} values, {header.n_head} heads" if header.n_layers else ""),
        ("vocabulary", f"{header.n_vocab:,} tokens" if header.n_vocab else ""),
        ("trained for", f"{header.context_length:,} tokens" if header.context_length else ""),
        ("memory", _memory(header, n_ctx, options)),
        ("files", f"{len(header.parts)}" if len(header.parts) > 1 else ""),
    )


def _memory(header: GgufHeader, n_ctx: int, options: LoadOptions) -> str:
    try:
        needed = estimate(header, kv_cells(n_ctx, options.max_seqs or LEAST_CHATS), options)
    except MistralTuiError:  # the draft model of the options cannot be read
        return ""
    parts = f"weights {gigabytes(needed.weights)}, KV cache {gigabytes(needed.kv_cache)}"
    return f"about {gigabytes(needed.total)} with a context of {n_ctx:,}: {parts}"


def _metadata(raw: RawHeader) -> Lines:
    values = {key: _words(value) for key, value in raw.metadata.items() if key != "tokenizer.chat_template"}
    values |= {key: f"{length:,} values" for key, length in raw.lengths.items() if key not in raw.metadata}
    lines = _lines(*sorted(values.items()))
    left = len(lines) - _MOST_METADATA
    return lines if left <= 0 else (*lines[:_MOST_METADATA], ("…", f"{left:,} more"))


def _words(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value[:8]))}{', …' if len(value) > 8 else ''}]"
    return str(value)


def _lines(*pairs: tuple[str, str]) -> Lines:
    return tuple((_line(name, _LONGEST_KEY), _line(value, _LONGEST_VALUE)) for name, value in pairs if value)


def _line(text: str, longest: int) -> str:
    # Cut before it is looked through: a value may be a megabyte.
    line = printable_line(text[: 4 * longest])
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1]}…"
