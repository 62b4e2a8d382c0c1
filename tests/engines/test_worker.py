"""The worker's main, driven by its raw streams: what a parent other than ours could send it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines import wire
from mistral_tui.engines.process import worker_command
from mistral_tui.processes.frames import FrameDecoder, encode
from mistral_tui.types.events import Finished, TextDelta
from mistral_tui.types.models import LoadOptions
from mistral_tui.types.requests import GenerateRequest
from tests.engines.conftest import ROOT, prompt
from tests.stubs import loops
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


class RawWorker:
    """A worker and the frames it has sent."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.log = log
        self.decoder = FrameDecoder[wire.FromWorker](wire.FromWorker)
        self.frames: list[wire.FromWorker] = []

    @classmethod
    async def start(cls, folder: Path) -> "RawWorker":
        log = folder / "log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *worker_command(loops.LOADER),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        return cls(process, log)

    def send(self, *frames: wire.ToWorker) -> None:
        self.stdin.write(b"".join(encode(frame) for frame in frames))

    async def receive(self) -> wire.FromWorker:
        async with asyncio.timeout(10):
            while not self.frames:
                chunk = await self.stdout.read(65536)
                assert chunk, self.log.read_text()
                self.frames += self.decoder.feed(chunk)
        return self.frames.pop(0)

    async def end(self) -> int:
        async with asyncio.timeout(10):
            await self.stdout.read()
            return await self.process.wait()


def load(script: str = "", request: str = "load") -> wire.Load:
    return wire.Load(path="m", name="m", options=LoadOptions(chat_template=script), client="me", request=request)


def generate(script: str, client: str = "me") -> wire.Generate:
    request: GenerateRequest = prompt(script)
    return wire.Generate(client=client, request=request.id, prompt=request)


async def loaded(folder: Path) -> RawWorker:
    worker = await RawWorker.start(folder)
    worker.send(wire.Hello(), load())
    while not isinstance(await worker.receive(), wire.Loaded):
        pass
    return worker


async def test_hello_comes_first_then_the_load_and_its_progress(tmp_path: Path) -> None:
    worker = await RawWorker.start(tmp_path)
    hello = await worker.receive()
    assert isinstance(hello, wire.Hello)
    assert hello.pid == worker.process.pid
    worker.send(wire.Hello(), load())
    while isinstance(frame := await worker.receive(), wire.Loading):
        assert (frame.client, frame.request) == ("me", "load")
    assert isinstance(frame, wire.Loaded)
    assert frame.model.architecture == "scripted"
    worker.stdin.close()
    assert await worker.end() == 0


async def test_what_libraries_print_goes_to_the_log_and_not_between_the_frames(tmp_path: Path) -> None:
    worker = await loaded(tmp_path)
    worker.send(generate("tokens=1 log=careful"))
    events = await worker.receive()
    assert isinstance(events, wire.Events)
    worker.stdin.close()
    assert await worker.end() == 0
    assert {"loading m", "careful", "a line on standard output"} <= set(worker.log.read_text().splitlines())


async def test_a_cancelled_load_ends_as_such_and_the_worker_takes_another(tmp_path: Path) -> None:
    worker = await RawWorker.start(tmp_path)
    worker.send(wire.Hello(), load("steps=1000 delay=0.02"))
    while not isinstance(await worker.receive(), wire.Loading):
        pass
    worker.send(wire.Cancel(client="me", request="load"))
    while isinstance(frame := await worker.receive(), wire.Loading):
        pass
    assert isinstance(frame, wire.LoadFailed)
    assert frame.error == "LoadCancelled"
    worker.send(load(request="again"))
    while isinstance(frame := await worker.receive(), wire.Loading):
        pass
    assert isinstance(frame, wire.Loaded)
    worker.stdin.close()
    await worker.end()


async def test_a_prompt_before_the_load_fails_politely(tmp_path: Path) -> None:
    worker = await RawWorker.start(tmp_path)
    worker.send(wire.Hello(), generate("tokens=1"))
    await worker.receive()
    events = await worker.receive()
    assert isinstance(events, wire.Events)
    assert isinstance(events.events[0], Finished)
    assert events.events[0].reason == "failed"
    worker.stdin.close()
    await worker.end()


async def test_text_is_coalesced_but_the_first_goes_at_once(tmp_path: Path) -> None:
    worker = await loaded(tmp_path)
    request = generate("tokens=300 delay=0.001")
    worker.send(request)
    batches: list[wire.Events] = []
    while not batches or not isinstance(batches[-1].events[-1], Finished):
        frame = await worker.receive()
        assert isinstance(frame, wire.Events)
        batches.append(frame)
        worker.send(wire.More(client="me", request=request.request))
    texts = [event for batch in batches for event in batch.events if isinstance(event, TextDelta)]
    assert texts[0].tokens < 10
    assert sum(text.tokens for text in texts) == 300
    assert "".join(text.text for text in texts) == "".join(f"w{number} " for number in range(300))
    assert len(batches) < 100
    worker.stdin.close()
    await worker.end()


async def test_a_reader_that_takes_nothing_pauses_its_request_only(tmp_path: Path) -> None:
    worker = await loaded(tmp_path)
    flood = generate("tokens=1000000 size=5000")
    worker.send(flood)
    received = [await worker.receive() for _ in range(wire.EVENTS_IN_FLIGHT)]
    worker.send(generate("tokens=2", client="you"))
    end = await worker.receive()
    while not (isinstance(end, wire.Events) and isinstance(end.events[-1], Finished)):
        assert end.client == "you"
        end = await worker.receive()
    assert end.client == "you"
    worker.send(wire.Cancel(client="me", request=flood.request))
    received.append(await worker.receive())
    for frame in received:
        assert isinstance(frame, wire.Events)
        assert frame.client == "me"
        assert sum(len(event.text) for event in frame.events if isinstance(event, TextDelta)) < 100_000
    assert isinstance(received[-1], wire.Events)
    assert isinstance(received[-1].events[-1], Finished)
    worker.stdin.close()
    await worker.end()


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x00\x00\x00\x03abc", encode(wire.Cancel())])
async def test_a_parent_that_speaks_nonsense_is_left(tmp_path: Path, data: bytes) -> None:
    worker = await RawWorker.start(tmp_path)
    worker.stdin.write(data)
    assert await worker.end() == 70
    assert "WireError" in worker.log.read_text()


async def test_a_parent_of_another_version_is_left(tmp_path: Path) -> None:
    worker = await RawWorker.start(tmp_path)
    worker.send(wire.Hello(version=99))
    assert await worker.end() == 70
    assert "version 99" in worker.log.read_text()


PARENT = """
import asyncio, os, sys
from pathlib import Path
from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines import pool
from mistral_tui.types.models import LoadOptions, ModelEntry
from tests.engines.conftest import answer, prompt
from tests.stubs import loops

pool.check_content = lambda *args: 0

async def main(folder, script):
    model = folder / "m.gguf"
    model.touch()
    entry = ModelEntry("m", model, "gguf", 1, downloaded=True)
    pool = EnginePool(folder, loops.LOADER)
    engine = await pool.acquire(entry)
    print(engine.worker_pid, flush=True)
    print(await answer(engine, prompt(script)))
    await pool.close()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize("script", ["tokens=100000 delay=0.01", "then=hang"])
async def test_a_worker_does_not_outlive_a_killed_program(tmp_path: Path, script: str) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), script), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    worker = psutil.Process(int(await parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    await until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, seconds=2)
    await parent.wait()


async def test_a_program_that_closes_its_pool_ends_without_a_warning(tmp_path: Path) -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "error", "-c", PARENT, str(tmp_path), "tokens=3"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    output, complaints = await program.communicate()
    assert complaints.decode() == ""
    assert "w0 w1 w2" in output.decode()
    assert program.returncode == 0
