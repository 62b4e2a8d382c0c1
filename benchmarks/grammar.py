"""Tokens a second under a JSON schema, beside a bare llama.cpp loop without one in the same run. One decode thread.

What `ask` does without a schema is printed along, so that what the grammar costs is seen.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.decode import PROMPT, TOKENS, bare
from benchmarks.harness import Figure, take_turns
from benchmarks.subject import find_model, use_folders_below

SCHEMA = {
    "type": "array",
    "minItems": 100,
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "work": {"type": "string"},
            "married": {"type": "boolean"},
        },
        "required": ["name", "age", "work", "married"],
        "additionalProperties": False,
    },
}
"""Of a reply that is longer than what is measured."""


def ours(with_schema: bool) -> float:
    """Return tokens a second of `ask`."""
    with tempfile.TemporaryDirectory(prefix="mistral-tui-bench-") as folder:
        use_folders_below(Path(folder))
        schema = Path(folder) / "schema.json"
        schema.write_text(json.dumps(SCHEMA), encoding="utf-8")
        command = [sys.executable, "-m", "mistral_tui", "ask", "-m", str(find_model()), "--threads", "1", "--seed", "1"]
        command += ["--max-tokens", str(TOKENS), "--no-save", "--json", PROMPT]
        if with_schema:
            command += ["--schema", str(schema)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        usage = json.loads(done.stdout)["usage"]
        if usage["completion_tokens"] < TOKENS // 2:
            raise RuntimeError(f"the reply is too short to measure: {usage}")
        return float(usage["decode_rate"])


def run(quick: bool) -> list[Figure]:
    measures: dict[str, Callable[[], float]] = {
        "bare": partial(bare, 1),
        "free": partial(ours, False),
        "bound": partial(ours, True),
    }
    rates = take_turns(measures, 1 if quick else 5)
    return [
        Figure("decode without a grammar, 1 thread", rates["free"], "t/s", rates["bare"], None, ">", True),
        Figure("decode with a JSON schema, 1 thread", rates["bound"], "t/s", rates["bare"], 0.85, ">", True),
    ]
