"""An engine that writes a fixed text at a fixed rate, loaded into a real worker process in the place of a model.

With it the whole way from a worker's outbox to the screen can be measured without a model using the processors.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable

from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.events import Finished, PromptProgress, TextDelta
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.queries import Answer, Query, Refusal
from mistral_tui.types.requests import GenerateRequest

TOKENS_PER_SECOND = 100.0
RATE = "MISTRAL_TUI_BENCH_RATE"
"""Environment variable with another number of tokens a second."""

TEXT = """## Reading a long reply

A paragraph of prose, as most replies are made of: some **bold** words, some `code`, and
[a link](https://example.org) that runs on until the line has been broken a few times at any width that a terminal may
have.

- the first point of a list, which is long enough to be wrapped at least once on a narrow screen
- the second point
    - with one below it
- the third point

```python
def greet(name: str) -> str:
    # Highlighting costs more than prose.
    return f"Hello, {name}!"
```

| model | tokens/s |
|---|---|
| small | 80 |
| large | 8 |

> A quotation, to have met every kind of block.

"""
_CODE = "".join(
    f"    total_{line} = measure(samples[{line}], window={line % 7})  # step {line}\n" for line in range(200)
)
TEXTS = {
    "prose": "A long paragraph that goes on, with **bold** words and `code` in it, as most replies are made of. " * 12
    + "\n\n",
    "list": "".join(
        f"- point {number} of a list, long enough to be wrapped on a narrow screen\n" for number in range(40)
    )
    + "\nA line between two lists.\n\n",
    "table": "| model | tokens/s | memory |\n|---|---|---|\n"
    + "".join(f"| model number {number} | {number * 3} | {number / 10} GB |\n" for number in range(30))
    + "\n",
    "code": f"```python\ndef analyse(samples):\n{_CODE}    return total_199\n```\n\n",
}
"""What is written instead to a prompt that begins with one of these words: one kind of block, at its longest."""
ONCE = " once"
"""How a prompt ends whose text is not to be written again and again."""


class ScriptedLoop:
    """Answers every request with `TEXT`, or one of `TEXTS`, again and again, word by word."""

    def __init__(self, path: str, name: str) -> None:
        self.model = LoadedModel(name, path, "scripted", 65536, 65536, 1, 1, "scripted")
        self._seconds = 1 / float(os.environ.get(RATE, TOKENS_PER_SECOND))
        self._stopped = threading.Event()
        self._cancelled: dict[str, threading.Event] = {}

    def run(self) -> None:
        """Wait for `stop`; requests run on threads of their own."""
        self._stopped.wait()

    def submit(self, request: GenerateRequest, outbox: Outbox) -> None:
        """Begin to write."""
        cancelled = self._cancelled.setdefault(request.id, threading.Event())
        asked = request.messages[-1].text if request.messages else ""
        words = next((text for word, text in TEXTS.items() if asked.startswith(word)), TEXT).split(" ")
        endless = () if asked.endswith(ONCE) else itertools.cycle(words)
        threading.Thread(
            target=self._write, args=(itertools.chain(words, endless), outbox, cancelled), daemon=True
        ).start()

    def cancel(self, request_id: str) -> None:
        """End a reply."""
        self._cancelled.setdefault(request_id, threading.Event()).set()

    def ask(self, request_id: str, query: Query, reply: Callable[[Answer], None]) -> None:
        """There is nothing to ask."""
        reply(Refusal("EngineError", "a stub"))

    def forget(self, chat_id: str) -> None:
        """Nothing is kept."""

    def set_threads(self, count: int) -> None:
        pass

    def stop(self) -> None:
        """Return from `run`."""
        self._stopped.set()

    def _write(self, words: Iterable[str], outbox: Outbox, cancelled: threading.Event) -> None:
        outbox.put(PromptProgress(10, 10))
        due = time.monotonic()
        written = 0
        for word in words:
            due += self._seconds
            if cancelled.wait(max(0.0, due - time.monotonic())):
                break
            outbox.put(TextDelta(word + " "))
            written += 1
        usage = Usage(10, 0, written, decode_rate=1 / self._seconds, context_tokens=written, context_size=65536, seed=1)
        outbox.put(Finished("cancelled" if cancelled.is_set() else "stop", usage))


def load(
    path: str,
    name: str,
    options: LoadOptions,
    on_progress: Callable[[LoadProgress], None],
    cancelled: Callable[[], bool],
    *,
    plain_kernels: bool = False,
) -> ScriptedLoop:
    """Load nothing."""
    on_progress(LoadProgress("ready", 1.0))
    return ScriptedLoop(path, name)
