"""What the author of a model recommends for sampling, as its file says."""

from typing import Final, get_type_hints

import msgspec

from mistral_tui.engines.gguf.library import llama
from mistral_tui.engines.gguf.model import Model
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.models import SamplingDefaults
from mistral_tui.types.requests import SamplingParams

_KEYS: Final = {
    "temperature": llama.LLAMA_MODEL_META_KEY_SAMPLING_TEMP,
    "top_k": llama.LLAMA_MODEL_META_KEY_SAMPLING_TOP_K,
    "top_p": llama.LLAMA_MODEL_META_KEY_SAMPLING_TOP_P,
    "min_p": llama.LLAMA_MODEL_META_KEY_SAMPLING_MIN_P,
    "xtc_probability": llama.LLAMA_MODEL_META_KEY_SAMPLING_XTC_PROBABILITY,
    "xtc_threshold": llama.LLAMA_MODEL_META_KEY_SAMPLING_XTC_THRESHOLD,
    "mirostat": llama.LLAMA_MODEL_META_KEY_SAMPLING_MIROSTAT,
    "mirostat_tau": llama.LLAMA_MODEL_META_KEY_SAMPLING_MIROSTAT_TAU,
    "mirostat_eta": llama.LLAMA_MODEL_META_KEY_SAMPLING_MIROSTAT_ETA,
    "repetition_penalty": llama.LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_REPEAT,
    "penalty_window": llama.LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_LAST_N,
}


def read_defaults(model: Model) -> tuple[SamplingDefaults, tuple[str, ...]]:
    """Return how to sample from `model` where a request leaves it open.

    Returns:
        The defaults, and one line for each recommendation that makes no sense and is ignored.
    """
    kinds = get_type_hints(SamplingDefaults)
    found: dict[str, float] = {}
    notices = []
    for name, number in _KEYS.items():
        key = llama.llama_model_meta_key_str(number).decode()
        text = model.metadata(key)
        if text is None:
            continue
        try:
            value = kinds[name](float(text))
            SamplingParams(**{name: value})
        except (InvalidRequest, ValueError, OverflowError):
            notices.append(f"{model.name} recommends {key} = {text[:20]}, which makes no sense; it is ignored")
            continue
        found[name] = value
    return msgspec.structs.replace(SamplingDefaults(), **found), tuple(notices)
