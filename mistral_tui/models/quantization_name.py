"""Quantizations as the names of files have them."""

import re
from typing import Final

_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9])((?:UD-)?(?:IQ|TQ|Q)[1-8](?:_(?:[0-9]|K|NL|XXS|XS|S|M|L|XL))*|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32|FP16|FP32)"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def quantization_in(name: str) -> str:
    """Return what a name such as `gemma-2-2b-it-Q4_K_M` says of quantization, in capitals; empty: nothing."""
    found = _NAME.findall(name)
    return _written(str(found[-1])) if found else ""


def is_quantization(text: str) -> bool:
    """Return whether a text is the name of a quantization and nothing else."""
    return _NAME.fullmatch(text) is not None


def _written(name: str) -> str:
    """Return a quantization as GGUF files name it."""
    return {"FP16": "F16", "FP32": "F32"}.get(name.upper(), name.upper())
