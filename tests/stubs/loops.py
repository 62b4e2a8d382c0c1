"""A scripted engine loop for a real worker process: it does what the prompt and the load options tell it.

The last message of a request is a script such as `tokens=5 delay=0.01 then=segv`; for a load,
`LoadOptions.chat_template` is one.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from mistral_tui.engines.worker.outbox import Outbox
from mistral_tui.types.errors import BadModelFile, LoadCancelled, NotEnoughMemory
from mistral_tui.types.events import Finished, PromptProgress, TextDelta
from mistral_tui.types.messages import FinishReason, Usage
from mistral_tui.types.models import LoadedModel, LoadOptions, LoadProgress
from mistral_tui.types.queries import Answer, Query, Refusal, Text, Tokenize
from mistral_tui.types.requests import GenerateRequest

LOADER = f"{__name__}:load"


def load(
    path: str,
    name: str,
    options: LoadOptions,
    on_progress: Callable[[LoadProgress], None],
    cancelled: Callable[[], bool],
    *,
    plain_kernels: bool = False,
) -> "ScriptedLoop":
    script = parse(options.chat_template or "")
    print(f"loading {name}", flush=True)
    steps = int(script.get("steps", 2))
    for step in range(steps):
        on_progress(LoadProgress("loading", step / steps))
        time.sleep(float(script.get("delay", 0)))
        if cancelled():
            print("the load was cancelled", flush=True)
            raise LoadCancelled(f"loading {name} was stopped")
    on_progress(LoadProgress("checking", 0.9))
    if script.get("then") == "bad":
        raise BadModelFile(f"{path} is damaged")
    if "beside" in script and psutil.pid_exists(int(script["beside"])):
        raise NotEnoughMemory(f"no context for {name}: it is all taken")
    if not plain_kernels or script.get("always"):
        die(script.get("then", ""))
    on_progress(LoadProgress("ready", 1.0))
    notices = ("plain kernels",) if plain_kernels else ()
    return ScriptedLoop(LoadedModel(name, path, "scripted", 2048, 2048, 100, 1, "scripted", notices=notices))


def broken(*args: object) -> None:
    raise RuntimeError("a bug")


def parse(script: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in script.split())


def die(how: str) -> None:
    match how:
        case "segv":
            ctypes.string_at(0)
        case "abort":
            os.write(2, b"GGML_ASSERT(n_tokens <= n_batch) failed\n\x1b[31m\n....\n")
            os.abort()
        case "exit":
            print("giving up", flush=True)
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise RuntimeError("the loop broke")


@dataclass
class Running:
    request: GenerateRequest
    outbox: Outbox
    script: dict[str, str]
    made: int = 0
    due_at: float = 0.0

    @property
    def tokens(self) -> int:
        return int(self.script.get("tokens", 3))


@dataclass
class ScriptedLoop:
    model: LoadedModel
    running: list[Running] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    stopped: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def run(self) -> None:
        while not self.stopped:
            wait = 0.001 if self.running else None
            with self.changed:
                self.changed.wait_for(lambda: bool(self.running) or self.stopped, wait)
            for running in list(self.running):
                self.step(running)

    def step(self, running: Running) -> None:
        if running.request.id in self.cancelled and "deaf" not in running.script:
            self.finish(running, "cancelled")
            return
        if running.outbox.full or time.monotonic() < running.due_at:
            with self.changed:
                self.changed.wait(0.001)
            return
        script = running.script
        if running.made == 0:
            if log := script.get("log"):
                sys.stderr.write(f"{log}\n")
                os.write(1, b"a line on standard output\n")
            running.outbox.put(PromptProgress(10, 10))
        if running.made < running.tokens:
            running.outbox.put(TextDelta(f"w{running.made} ".ljust(int(script.get("size", 0)), ".")))
            running.made += 1
            running.due_at = time.monotonic() + float(script.get("delay", 0))
            return
        then = script.get("then", "stop")
        while then == "hang":
            time.sleep(1)
        if then != "stop":
            time.sleep(0.1)  # what was said so far leaves first
        die(then)
        self.finish(running, "stop")

    def finish(self, running: Running, reason: FinishReason) -> None:
        print(f"{running.request.chat_id}: {reason} after {running.made} tokens", flush=True)
        self.running.remove(running)
        running.outbox.put(Finished(reason, Usage(completion_tokens=running.made)))

    def submit(self, request: GenerateRequest, outbox: Outbox) -> None:
        outbox.on_writable = self.wake
        self.running.append(Running(request, outbox, parse(request.messages[-1].text)))
        self.wake()

    def cancel(self, request_id: str) -> None:
        self.cancelled.add(request_id)
        self.wake()

    def ask(self, request_id: str, query: Query, reply: Callable[[Answer], None]) -> None:
        if isinstance(query, Tokenize):
            if query.text != "hang":
                die(query.text)
                reply(Text(query.text))
        else:
            reply(Refusal("InvalidRequest", "scripted"))

    def forget(self, chat_id: str) -> None:
        print(f"forgot {chat_id}", flush=True)

    def set_threads(self, count: int) -> None:
        print(f"threads: {count}", flush=True)

    def stop(self) -> None:
        self.stopped = True
        self.wake()

    def wake(self) -> None:
        with self.changed:
            self.changed.notify()
