import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines import process, wire
from mistral_tui.engines.process import WorkerProcess, worker_command
from mistral_tui.processes import log as worker_log
from mistral_tui.processes.exit_status import crashed_on_an_instruction, name_exit
from mistral_tui.processes.frames import encode
from mistral_tui.processes.log import WorkerLog
from mistral_tui.types.errors import EngineError, WorkerDied
from mistral_tui.types.events import EngineEvent, Finished, PromptProgress, TextDelta
from mistral_tui.types.models import LoadOptions
from tests.engines.conftest import first_text, logs, prompt
from tests.stubs import loops
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


@pytest.fixture
async def worker(scripted_workers: None, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    worker = await WorkerProcess.start(worker_command(loops.LOADER), "m", WorkerLog(tmp_path, "m"))
    await worker.load("m", LoadOptions(), lambda progress: None, plain_kernels=False)
    yield worker
    await worker.close()
    assert not psutil.pid_exists(worker.pid)


async def collect(worker: WorkerProcess, script: str) -> list[EngineEvent]:
    return [event async for event in worker.generate(prompt(script))]


async def test_events_arrive_in_order_and_end_once(worker: WorkerProcess) -> None:
    events = await collect(worker, "tokens=200")
    assert isinstance(events[0], PromptProgress)
    assert isinstance(events[-1], Finished)
    assert all(isinstance(event, TextDelta) for event in events[1:-1])
    assert "".join(event.text for event in events if isinstance(event, TextDelta)).split() == [
        f"w{number}" for number in range(200)
    ]


async def test_two_requests_interleave(worker: WorkerProcess) -> None:
    order: list[str] = []

    async def read(name: str) -> None:
        async with aclosing(worker.generate(prompt("tokens=40 delay=0.005"))) as events:
            async for _ in events:
                order.append(name)  # noqa: PERF401  # while they arrive, not at the end

    await asyncio.gather(read("a"), read("b"))
    assert "ab" in "".join(order)
    assert "ba" in "".join(order)


async def test_a_cancelled_request_keeps_what_was_said(worker: WorkerProcess) -> None:
    request = prompt("tokens=100000 delay=0.002")
    async with aclosing(worker.generate(request)) as events:
        assert (await first_text(events)).startswith("w0")
        worker.cancel(request.id)
        worker.cancel(request.id)
        rest = [event async for event in events]
    end = rest[-1]
    assert isinstance(end, Finished)
    assert end.reason == "cancelled"
    assert worker.alive


async def log_says(folder: Path, words: str) -> None:
    await until(lambda: words in logs(folder))


async def test_a_log_that_is_flooded_within_one_reply_is_rotated_in_it(
    worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_log, "ROTATE_BYTES", 100)
    async with aclosing(worker.generate(prompt(f"tokens=100000 delay=0.002 log={'x' * 100}"))) as events:
        async for _ in events:
            if any(tmp_path.glob("*.log.1")):  # noqa: ASYNC240  # a test's own small folder
                break
        else:
            pytest.fail("the reply ended first")


async def test_closing_the_stream_cancels_the_request(worker: WorkerProcess, tmp_path: Path) -> None:
    async with aclosing(worker.generate(prompt("tokens=100000 delay=0.002", "left"))) as events:
        await first_text(events)
    await log_says(tmp_path, "left: cancelled")
    assert worker.alive


async def test_cancelling_the_task_that_reads_cancels_the_request(worker: WorkerProcess, tmp_path: Path) -> None:
    reader = asyncio.create_task(collect(worker, "tokens=100000 delay=0.002 log=begun"))
    await log_says(tmp_path, "begun")
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await log_says(tmp_path, "chat: cancelled")


async def test_a_reader_that_does_not_read_does_not_hold_up_the_others(worker: WorkerProcess) -> None:
    async with aclosing(worker.generate(prompt("tokens=1000000 size=2000"))) as flood:
        await first_text(flood)
        events = await collect(worker, "tokens=20 delay=0.001")
        assert isinstance(events[-1], Finished)
        for _ in range(2 * wire.EVENTS_IN_FLIGHT):
            assert isinstance(await anext(flood), TextDelta)


async def test_a_long_reply_with_much_text_arrives_whole(worker: WorkerProcess) -> None:
    events = await collect(worker, "tokens=600 size=5000")
    assert sum(len(event.text) for event in events if isinstance(event, TextDelta)) == 3_000_000
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "stop"


async def test_a_worker_that_ignores_a_cancel_is_killed(worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "cancel_seconds", 0.2)
    stuck, other = prompt("tokens=100000 delay=0.001 deaf=1"), prompt("tokens=100000 delay=0.001")
    async with aclosing(worker.generate(stuck)) as events, aclosing(worker.generate(other)) as others:
        await first_text(others)
        await first_text(events)
        worker.cancel(stuck.id)
        end = [event async for event in events][-1]
        other_end = [event async for event in others][-1]
    assert isinstance(end, Finished)
    assert end.reason == "cancelled"
    assert isinstance(other_end, Finished)
    assert other_end.reason == "failed"
    assert "did not stop within 0.2 s of a cancel" in (other_end.error or "")
    assert not worker.alive
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("then=segv", "crashed with SIGSEGV"),
        ("then=abort", "crashed with SIGABRT (last log line: GGML_ASSERT(n_tokens <= n_batch) failed)"),
        ("then=exit", "ended with exit status 3 (last log line: giving up)"),
        ("then=raise", "ended with exit status 70 (last log line: RuntimeError: the loop broke)"),
        ("then=kill", "was killed by SIGKILL, probably because memory ran out"),
    ],
)
async def test_a_death_ends_the_reply_with_its_cause_after_what_was_said(
    worker: WorkerProcess, script: str, cause: str
) -> None:
    events = await collect(worker, f"tokens=3 {script}")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "w0 w1 w2 "
    end = events[-1]
    assert isinstance(end, Finished)
    assert (end.reason, end.usage.completion_tokens) == ("failed", 3)
    assert cause in (end.error or "")
    assert "\n" not in (end.error or "")
    (again,) = await collect(worker, "tokens=1")
    assert isinstance(again, Finished)
    assert cause in (again.error or "")


async def test_a_prompt_that_cannot_be_sent_fails_alone(worker: WorkerProcess) -> None:
    for text, cause in (("tokens=1 log=" + "x" * 9 * 2**20, "make it shorter"), ("tokens=1 log=\ud800", "surrogate")):
        (end,) = await collect(worker, text)
        assert isinstance(end, Finished)
        assert end.reason == "failed"
        assert cause in (end.error or "")
    assert worker.alive


async def stranger(code: str, folder: Path) -> WorkerProcess:
    return await WorkerProcess.start([sys.executable, "-c", code], "m", WorkerLog(folder, "m"))


async def load(worker: WorkerProcess) -> None:
    try:
        await worker.load("m", LoadOptions(), lambda progress: None, plain_kernels=False)
    finally:
        await worker.close()


async def test_a_worker_that_speaks_nonsense_is_ended(tmp_path: Path) -> None:
    worker = await stranger("import time; print('Welcome to Python', flush=True); time.sleep(60)", tmp_path)
    with pytest.raises(WorkerDied, match="was ended: not a frame of this program"):
        await load(worker)


async def test_a_worker_of_another_version_is_ended(tmp_path: Path) -> None:
    hello = encode(wire.Hello(version=99))
    worker = await stranger(f"import os, time; os.write(1, {hello!r}); time.sleep(60)", tmp_path)
    with pytest.raises(WorkerDied, match=r"version 99 of the worker protocol.*restart mistral-tui"):
        await load(worker)


async def test_a_worker_that_never_says_hello_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "HELLO_SECONDS", 0.1)
    worker = await stranger("import time; time.sleep(60)", tmp_path)
    with pytest.raises(WorkerDied, match=r"did not say hello within 0\.1 s"):
        await load(worker)


async def test_a_worker_that_dies_at_once_says_why(tmp_path: Path) -> None:
    worker = await stranger("import no_such_module", tmp_path)
    with pytest.raises(WorkerDied, match=r"exit status 1 .*No module named 'no_such_module'"):
        await load(worker)


async def test_a_program_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        await WorkerProcess.start([str(tmp_path / "no-python")], "m", WorkerLog(tmp_path, "m"))


def test_exits_have_names() -> None:
    assert name_exit(-11) == "crashed with SIGSEGV"
    assert name_exit(0) == "ended with exit status 0"
    assert name_exit(-200) == "was ended by signal 200"
    assert crashed_on_an_instruction(-11)
    assert not crashed_on_an_instruction(-9)
