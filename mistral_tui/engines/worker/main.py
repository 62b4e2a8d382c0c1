"""The main of a worker process: one model, one engine loop.

    python -m mistral_tui.engines.worker.main MODULE:FUNCTION PARENT_PID

`MODULE:FUNCTION` is what loads the model: called as `load(path, name, options, on_progress, cancelled,
plain_kernels=…)` it returns an `EngineLoop`. Frames come in over standard input and leave over a private duplicate
of standard output; whatever else the process prints goes to standard error, which its parent points at a log file.

Three threads: the main one loads and then computes, one reads frames, one writes them. Nothing here may wait on
the main thread, because native code may hold it for long or for ever.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from queue import SimpleQueue
from typing import NoReturn, Protocol, cast

from mistral_tui.engines import wire
from mistral_tui.engines.worker.delivery import SECONDS_BETWEEN_FRAMES, Delivery
from mistral_tui.engines.worker.loop import EngineLoop
from mistral_tui.processes.frames import FrameDecoder, WireError, encode
from mistral_tui.processes.parent_death import end_with_parent
from mistral_tui.processes.private_streams import private_streams
from mistral_tui.types.errors import EngineError, MistralTuiError
from mistral_tui.types.events import Finished
from mistral_tui.types.messages import Usage
from mistral_tui.types.models import LoadOptions, LoadProgress
from mistral_tui.types.queries import Answer, Refusal

_READ_BYTES = 256 * 1024
_SECONDS_TO_END = 0.8
"""How long the engine may take to end, and to save what it has, once the parent is gone."""
_FAILED = 70
"""Exit status after an error of our own; its traceback is in the log."""


class LoadModel(Protocol):
    """What `MODULE:FUNCTION` names."""

    def __call__(
        self,
        path: str,
        name: str,
        options: LoadOptions,
        on_progress: Callable[[LoadProgress], None],
        cancelled: Callable[[], bool],
        *,
        plain_kernels: bool = False,
    ) -> EngineLoop:
        """Load a model, or raise a `MistralTuiError`.

        Args:
            path: The model's file.
            name: What people call the model.
            options: How to load it.
            on_progress: Takes progress that never falls and ends with the stage `ready`.
            cancelled: Whether nobody wants the model any more; then raise `LoadCancelled`.
            plain_kernels: A load has crashed the process before: do without CPU kernels that may be broken, and say
                so in the model's notices.
        """
        ...


class Worker:
    """Serves the frames that arrive on one file descriptor and answers on another."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._delivery = Delivery(outgoing)
        self._loads: SimpleQueue[wire.Load] = SimpleQueue()
        self._cancelled: set[str] = set()
        self._loop: EngineLoop | None = None

    def run(self, engine: str) -> None:
        """Load what the first `Load` names with `engine` and serve it until the parent is gone."""
        _start_thread(self._delivery.run)
        self._delivery.send(wire.Hello())
        _start_thread(self._read)
        load_model = _import(engine)  # takes a while; the parent looks at the model's file meanwhile
        while self._loop is None:
            load = self._loads.get()
            try:
                self._loop = self._load(load_model, load)
            except MistralTuiError as error:
                self._refuse(load, error)
            except Exception as error:
                traceback.print_exc()
                self._refuse(load, EngineError(f"{load.name} cannot be loaded: {error!r}"))
        self._delivery.send(wire.Loaded(client=load.client, request=load.request, model=self._loop.model))
        self._loop.run()

    def _load(self, load_model: LoadModel | MistralTuiError, load: wire.Load) -> EngineLoop:
        if isinstance(load_model, MistralTuiError):
            raise load_model
        last_report = ("", 0.0)

        def report(progress: LoadProgress) -> None:
            nonlocal last_report
            now = time.monotonic()
            if progress.stage != last_report[0] or now >= last_report[1] + SECONDS_BETWEEN_FRAMES:
                last_report = progress.stage, now
                self._delivery.send(wire.Loading(client=load.client, request=load.request, progress=progress))

        def cancelled() -> bool:
            return load.request in self._cancelled

        return load_model(load.path, load.name, load.options, report, cancelled, plain_kernels=load.plain_kernels)

    def _refuse(self, load: wire.Load, error: MistralTuiError) -> None:
        kind = type(error).__name__
        self._delivery.send(wire.LoadFailed(client=load.client, request=load.request, error=kind, message=str(error)))

    def _read(self) -> None:
        decoder = FrameDecoder[wire.ToWorker](wire.ToWorker)
        greeted = False
        while chunk := self._receive():
            for frame in decoder.feed(chunk):
                if greeted:
                    self._handle(frame)
                else:
                    wire.check_hello(frame)
                    greeted = True
        if self._loop is not None:
            self._loop.stop()  # the main thread ends the process when the loop has ended
            time.sleep(_SECONDS_TO_END)
        os._exit(0)

    def _receive(self) -> bytes:
        try:
            return os.read(self._incoming, _READ_BYTES)
        except ConnectionError:  # the parent was killed with something of ours unread
            return b""

    def _handle(self, frame: wire.ToWorker) -> None:
        match frame:
            case wire.Load():
                self._loads.put(frame)
            case wire.Generate():
                self._generate(frame)
            case wire.Ask():
                self._ask(frame)
            case wire.More():
                self._delivery.more(frame.client, frame.request)
            case wire.Cancel():
                if self._loop is None:
                    self._cancelled.add(frame.request)
                else:
                    self._loop.cancel(frame.request)
            case wire.Forget():
                if self._loop is not None:
                    self._loop.forget(frame.chat_id)
            case wire.Threads():
                if self._loop is not None:
                    self._loop.set_threads(frame.count)
            case wire.Hello():
                raise WireError("hello came twice")

    def _generate(self, frame: wire.Generate) -> None:
        outbox = self._delivery.open(frame.client, frame.request)
        if self._loop is None:
            outbox.put(Finished("failed", Usage(), "no model is loaded yet; send the prompt again"))
            return
        # This thread hears all requests: one that an engine trips over must end alone.
        try:
            self._loop.submit(frame.prompt, outbox)
        except MistralTuiError as error:
            outbox.put(Finished("failed", Usage(), str(error)))
        except Exception as error:
            traceback.print_exc()
            outbox.put(Finished("failed", Usage(), f"the request cannot be taken: {error!r}; see the log"))

    def _ask(self, frame: wire.Ask) -> None:
        def reply(answer: Answer) -> None:
            answered = wire.Answered(client=frame.client, request=frame.request, answer=answer)
            try:
                encode(answered)
            except WireError as error:
                refusal = Refusal("InvalidRequest", str(error))
                answered = wire.Answered(client=frame.client, request=frame.request, answer=refusal)
            self._delivery.send(answered)

        if self._loop is None:
            reply(Refusal("EngineError", "no model is loaded yet; ask again"))
        else:
            self._loop.ask(frame.request, frame.query, reply)


def _import(engine: str) -> LoadModel | MistralTuiError:
    module, function = engine.split(":")
    try:
        return cast(LoadModel, getattr(import_module(module), function))
    except Exception as error:
        traceback.print_exc()
        return EngineError(f"the engine {module} cannot be started: {error}; see mistral-tui doctor")


def _start_thread(target: Callable[[], None]) -> None:
    """Run `target` on a thread. An error in it ends the process: without that thread nobody would be heard."""

    def run() -> None:
        try:
            target()
        except BrokenPipeError:
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(_FAILED)

    threading.Thread(target=run, daemon=True).start()


def main() -> NoReturn:
    """Run a worker until its parent is gone."""
    incoming, outgoing = private_streams()
    engine, parent_pid = sys.argv[1:]
    end_with_parent(int(parent_pid))
    status = 0
    try:
        Worker(incoming, outgoing).run(engine)
    except BaseException:
        traceback.print_exc()
        status = _FAILED
    os._exit(status)  # the other threads cannot be joined: they wait for frames


if __name__ == "__main__":
    main()
