"""The child that quantizes a model: native work that may fail hard, in a process of its own.

    python -m mistral_tui.engines.gguf.quantizing JOB PARENT_PID

`JOB` is a JSON object: `source`, `target`, `file_type` (a number), `imatrix` (a path or null), `threads`, `requantize`.
Progress leaves as one JSON object a line on standard output: `{"done": 3, "total": 272, "tensor": "blk.0.…"}`.
"""

import ctypes
import json
import os
import re
import sys
from array import array
from pathlib import Path
from typing import Any, Final

from mistral_tui.engines.gguf.imatrix import read_imatrix
from mistral_tui.engines.gguf.library import llama
from mistral_tui.processes.parent_death import end_with_parent
from mistral_tui.types.errors import MistralTuiError, ModelError

_PROGRESS: Final = re.compile(rb"\[\s*(\d+)/\s*(\d+)\]\s+(\S+)")
_ERROR: Final = 4


class _Log:
    """llama.cpp tells its progress, and why it failed, in its log only."""

    def __init__(self) -> None:
        self.reason = ""
        self._callback = llama.llama_log_callback(self._take)
        llama.llama_log_set(self._callback, ctypes.c_void_p())

    def _take(self, level: int, text: bytes, _: Any) -> None:
        if found := _PROGRESS.match(text):
            done, total, tensor = int(found[1]), int(found[2]), found[3].decode("utf-8", "replace")
            print(json.dumps({"done": done, "total": total, "tensor": tensor}), flush=True)
        elif level == _ERROR and text.strip():
            line = text.decode("utf-8", "replace").strip()
            print(line, file=sys.stderr, flush=True)
            self.reason = re.sub(r"^(?:[a-z_0-9]+: )+(?:failed to quantize: )?", "", line) or self.reason


def quantize(job: dict[str, Any]) -> None:
    """Do the job.

    Raises:
        MistralTuiError: It cannot be done.
    """
    log = _Log()
    params = llama.llama_model_quantize_default_params()
    params.ftype = job["file_type"]
    params.nthread = job["threads"]
    params.allow_requantize = job["requantize"]
    kept = []
    if job["imatrix"] is not None:
        kept = _native(read_imatrix(Path(job["imatrix"])))
        params.imatrix = (llama.llama_model_imatrix_data * len(kept))(*(entry for entry, _ in kept))
    if llama.llama_model_quantize(os.fsencode(job["source"]), os.fsencode(job["target"]), params) != 0:
        if "imatrix" in log.reason and job["imatrix"] is None:
            raise ModelError("so few bits need an importance matrix; give one with --imatrix, or choose another type")
        raise ModelError(log.reason or "llama.cpp cannot quantize it and gives no reason")


def _native(means: "dict[str, array[float]]") -> list[tuple[Any, Any]]:
    """Return the entries that llama.cpp takes, each with what must live as long; the last one ends the list."""
    entries: list[tuple[Any, Any]] = []
    for name, values in means.items():
        data = (ctypes.c_float * len(values)).from_buffer(values)
        pointer = ctypes.cast(data, ctypes.POINTER(ctypes.c_float))
        entries.append((llama.llama_model_imatrix_data(name.encode(), pointer, len(values)), data))
    entries.append((llama.llama_model_imatrix_data(), None))
    return entries


def main() -> None:
    """Run the job that the command line names."""
    job, parent_pid = sys.argv[1:]
    end_with_parent(int(parent_pid))
    try:
        quantize(json.loads(job))
    except MistralTuiError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
