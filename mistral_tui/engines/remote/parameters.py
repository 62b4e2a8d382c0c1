"""How a reply is to be chosen, in the words of OpenAI's API and of the servers that take more.

Only what a person has set is sent: what is left open is the server's own choice.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from mistral_tui.types.messages import Json
from mistral_tui.types.requests import GenerateRequest, SamplingParams

NAMES: Final = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_tokens",),
    "stop": ("stop",),
    "seed": ("seed",),
    "frequency_penalty": ("frequency_penalty",),
    "presence_penalty": ("presence_penalty",),
    "logit_bias": ("logit_bias",),
    "logprobs": ("logprobs", "top_logprobs"),
    # vLLM, SGLang, llama-server, Ollama and mistral.rs; the others refuse or ignore them.
    "top_k": ("top_k",),
    "min_p": ("min_p",),
    "typical_p": ("typical_p",),
    "repetition_penalty": ("repetition_penalty", "repeat_penalty"),
    "penalty_window": ("repeat_last_n",),
    "top_n_sigma": ("top_n_sigma",),
    "xtc_probability": ("xtc_probability",),
    "xtc_threshold": ("xtc_threshold",),
    "dynatemp_range": ("dynatemp_range",),
    "dynatemp_exponent": ("dynatemp_exponent",),
    "dry_multiplier": ("dry_multiplier",),
    "dry_base": ("dry_base",),
    "dry_allowed_length": ("dry_allowed_length",),
    "dry_penalty_window": ("dry_penalty_last_n",),
    "dry_sequence_breakers": ("dry_sequence_breakers",),
    "mirostat": ("mirostat", "mirostat_mode"),
    "mirostat_tau": ("mirostat_tau",),
    "mirostat_eta": ("mirostat_eta",),
    "ignore_eos": ("ignore_eos",),
}
"""Our names, and those that servers have for them."""

USAGE: Final = "stream_options"
TEMPLATE: Final = "chat_template_kwargs"
OPTIONAL: Final = frozenset({wire for names in NAMES.values() for wire in names} | {USAGE, TEMPLATE})
"""What may be left out when a server does not take it."""
_DEFAULTS: Final = SamplingParams()


def as_parameters(request: GenerateRequest, left_out: Collection[str]) -> Json:
    """Return what of a request is neither its messages nor its tools.

    Args:
        request: What is asked for.
        left_out: What the server does not take.
    """
    return {name: value for name, value in _all(request) if name not in left_out}


def our_name(wire: str) -> str:
    """Return what people call what servers call `wire`."""
    if wire == TEMPLATE:
        return "--thinking and --template-arg"
    return next((name for name, wires in NAMES.items() if wire in wires), wire)


def unsayable(sampling: SamplingParams) -> str | None:
    """Return what cannot be told to any server, if something is set that cannot."""
    if any(isinstance(token, str) for token in sampling.logit_bias):
        return "logit_bias by text"
    return None


def _all(request: GenerateRequest) -> Iterator[tuple[str, Any]]:
    sampling = request.sampling
    for name, wires in NAMES.items():
        value = getattr(sampling, name)
        if value == getattr(_DEFAULTS, name):
            continue
        if name == "logprobs":
            yield "logprobs", True
            yield "top_logprobs", sampling.top_logprobs
        elif name == "logit_bias":
            if numbers := {str(token): bias for token, bias in value.items() if isinstance(token, int)}:
                yield "logit_bias", numbers
        else:
            for wire in wires:
                yield wire, value
    yield USAGE, {"include_usage": True}
    arguments = dict(request.template_arguments)
    if request.enable_thinking is not None:
        arguments.setdefault("enable_thinking", request.enable_thinking)
    if arguments:
        yield TEMPLATE, arguments
