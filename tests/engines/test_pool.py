import asyncio
import os
import signal
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines.pool import EnginePool
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.types.errors import (
    BadModelFile,
    EngineError,
    LoadCancelled,
    ModelError,
    ModelNotFound,
    NotEnoughMemory,
    WorkerDied,
)
from mistral_tui.types.events import Finished
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from tests.engines.conftest import answer, first_text, logs, prompt
from tests.stubs import loops
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


async def supervised(pool: EnginePool, entry: ModelEntry, script: str = "") -> SupervisedEngine:
    engine = await pool.acquire(entry, LoadOptions(chat_template=script))
    assert isinstance(engine, SupervisedEngine)
    return engine


async def test_a_model_is_loaded_with_progress_and_answers(pool: EnginePool, entry: ModelEntry) -> None:
    progress: list[LoadProgress] = []
    engine = await pool.acquire(entry, LoadOptions(), progress.append)
    assert [step.stage for step in progress] == ["starting", "loading", "checking", "ready"]
    assert [step.fraction for step in progress] == sorted(step.fraction for step in progress)
    assert engine.model.name == "scripted"
    text, end = await answer(engine, prompt("tokens=3"))
    assert (text, end.reason, end.usage.completion_tokens) == ("w0 w1 w2 ", "stop", 3)


async def test_equal_models_share_a_worker_and_its_load(pool: EnginePool, entry: ModelEntry) -> None:
    progress: tuple[list[LoadProgress], list[LoadProgress]] = ([], [])
    one, two = await asyncio.gather(*(pool.acquire(entry, LoadOptions(), heard.append) for heard in progress))
    three = await pool.acquire(entry)
    assert one is two is three
    assert progress[0] == progress[1]
    assert len(workers()) == 1


async def test_other_options_get_a_worker_of_their_own(pool: EnginePool, entry: ModelEntry) -> None:
    one = await pool.acquire(entry, LoadOptions(n_ctx=512))
    two = await pool.acquire(entry, LoadOptions(n_ctx=1024))
    assert one is not two
    assert len(workers()) == 2


async def test_a_killed_worker_costs_the_rest_of_the_reply_and_nothing_else(
    pool: EnginePool, entry: ModelEntry
) -> None:
    engine = await supervised(pool, entry)
    async with aclosing(engine.generate(prompt("tokens=100000 delay=0.01"))) as events:
        text = await first_text(events)
        assert engine.worker_pid is not None
        os.kill(engine.worker_pid, signal.SIGKILL)
        rest = [event async for event in events]
    assert text.startswith("w0 ")
    error = getattr(rest[-1], "error", "")
    assert "scripted was killed by SIGKILL, probably because memory ran out" in error
    assert "the next prompt starts it again" in error
    text, end = await answer(engine, prompt("tokens=2"))
    assert (text, end.reason) == ("w0 w1 ", "stop")


async def kill_idle(engine: SupervisedEngine) -> None:
    assert engine.worker_pid is not None
    os.kill(engine.worker_pid, signal.SIGKILL)
    await until(lambda: engine.worker_pid is None)


async def test_a_worker_that_died_while_idle_is_started_again_with_progress(
    pool: EnginePool, entry: ModelEntry
) -> None:
    engine = await supervised(pool, entry)
    await kill_idle(engine)
    events = [event async for event in engine.generate(prompt("tokens=1"))]
    progress = [event for event in events if isinstance(event, LoadProgress)]
    assert events[: len(progress)] == progress
    assert [step.stage for step in progress] == ["starting", "loading", "checking", "ready"]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "stop"


async def test_a_cancel_at_the_moment_at_which_the_worker_is_there_again_counts(
    pool: EnginePool, entry: ModelEntry
) -> None:
    engine = await supervised(pool, entry)
    await kill_idle(engine)
    request = prompt("tokens=100000 delay=0.01")
    ends = []
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, LoadProgress) and event.stage == "ready":
                await until(lambda: engine.worker_pid is not None)
                await engine.cancel(request.id)
            elif isinstance(event, Finished):
                ends.append(event.reason)
    assert ends == ["cancelled"]


async def test_a_reply_after_a_death_fails_when_the_model_cannot_be_loaded_again(
    pool: EnginePool, entry: ModelEntry
) -> None:
    engine = await supervised(pool, entry)
    _, end = await answer(engine, prompt("then=exit"))
    assert end.reason == "failed"
    entry.path.unlink()
    _, end = await answer(engine, prompt("tokens=1"))
    assert end.reason == "failed"
    assert f"no file {entry.path}" in (end.error or "")


async def test_a_cancel_while_the_worker_starts_again_ends_the_request(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await supervised(pool, entry, "delay=0.2 steps=2")
    await answer(engine, prompt("then=exit"))
    request = prompt("tokens=1")
    reply = asyncio.create_task(answer(engine, request))
    await until(lambda: bool(workers()))
    await engine.cancel(request.id)
    _, end = await reply
    assert end.reason == "cancelled"


async def test_a_load_that_crashes_in_fast_kernels_is_tried_without_them(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await supervised(pool, entry, "then=segv")
    assert engine.model.notices == ("plain kernels",)
    text, _ = await answer(engine, prompt("tokens=1"))
    assert text == "w0 "


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("then=segv always=1", "crashed with SIGSEGV (last log line: loading scripted)"),
        ("then=abort", r"crashed with SIGABRT (last log line: GGML_ASSERT(n_tokens <= n_batch) failed)"),
        ("then=exit", "ended with exit status 3 (last log line: giving up)"),
        ("then=kill", "was killed by SIGKILL, probably because memory ran out"),
    ],
)
async def test_a_load_that_kills_its_worker_says_so(
    pool: EnginePool, entry: ModelEntry, script: str, cause: str, tmp_path: Path
) -> None:
    with pytest.raises(WorkerDied) as error:
        await supervised(pool, entry, script)
    assert cause in str(error.value)
    assert f"its log is {tmp_path / 'logs' / 'worker-scripted-'}" in str(error.value)
    assert "\n" not in str(error.value)
    await until(lambda: not workers())


async def test_an_error_of_the_engine_arrives_as_the_class_it_was(pool: EnginePool, entry: ModelEntry) -> None:
    with pytest.raises(BadModelFile, match="is damaged"):
        await supervised(pool, entry, "then=bad")
    assert not workers()


async def test_a_bug_in_a_loader_is_an_error_and_a_traceback_in_the_log(
    scripted_workers: None, entry: ModelEntry, tmp_path: Path
) -> None:
    pool = EnginePool(tmp_path, "tests.stubs.loops:broken")
    with pytest.raises(EngineError, match="scripted cannot be loaded"):
        await pool.acquire(entry)
    assert "Traceback" in logs(tmp_path)
    await pool.close()


async def test_an_engine_that_cannot_be_imported_is_an_error(
    scripted_workers: None, entry: ModelEntry, tmp_path: Path
) -> None:
    pool = EnginePool(tmp_path, "tests.stubs.nothing:load")
    with pytest.raises(EngineError, match=r"tests\.stubs\.nothing cannot be started: No module named"):
        await pool.acquire(entry)
    await pool.close()


async def test_files_that_cannot_be_models_are_refused_without_a_worker(
    pool: EnginePool, entry: ModelEntry, tmp_path: Path
) -> None:
    def named(path: Path) -> ModelEntry:
        return ModelEntry("m", path, "gguf", 1, downloaded=True)

    with pytest.raises(ModelNotFound, match=r"missing\.gguf"):
        await pool.acquire(named(tmp_path / "missing.gguf"))
    with pytest.raises(BadModelFile, match="folder"):
        await pool.acquire(named(tmp_path))
    with pytest.raises(BadModelFile, match="too long"):
        await pool.acquire(named(tmp_path / ("n" * 300)))
    with pytest.raises(ModelNotFound, match="no file"):
        await pool.acquire(named(tmp_path / "null\0"))
    with pytest.raises(ModelError, match="torch"):
        await pool.acquire(ModelEntry("m", tmp_path, "safetensors", 1, downloaded=True))
    assert not workers()


async def test_the_content_of_the_file_is_checked_while_the_worker_starts(
    scripted_workers: None, entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def refuse(entry: ModelEntry, *args: object) -> int:
        seen.append(len(workers()))
        raise BadModelFile(f"{entry.path} has a wrong magic number")

    monkeypatch.setattr("mistral_tui.engines.pool.check_content", refuse)
    pool = EnginePool(tmp_path, loops.LOADER)
    with pytest.raises(BadModelFile, match="magic"):
        await pool.acquire(entry)
    assert seen == [1]
    assert not workers()


async def test_a_load_that_nobody_waits_for_is_stopped(pool: EnginePool, entry: ModelEntry) -> None:
    progress: list[LoadProgress] = []
    options = LoadOptions(chat_template="steps=1000 delay=0.05")
    waiters = [asyncio.create_task(pool.acquire(entry, options, progress.append)) for _ in range(2)]
    await until(lambda: any(step.fraction > 0 for step in progress))
    waiters[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiters[0]
    heard = len(progress)
    await until(lambda: len(progress) > heard)
    waiters[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiters[1]
    assert not workers()


async def test_closing_stops_loads_and_ends_workers(pool: EnginePool, entry: ModelEntry) -> None:
    engine = await pool.acquire(entry)
    reply = asyncio.create_task(answer(engine, prompt("tokens=100000 delay=0.01")))
    stuck = asyncio.create_task(answer(engine, prompt("then=hang")))
    loading = asyncio.create_task(pool.acquire(entry, LoadOptions(chat_template="steps=1000 delay=0.05")))
    await until(lambda: len(workers()) == 2)
    async with asyncio.timeout(1.0):
        await pool.close()
    assert not workers()
    for request in (reply, stuck):
        _, end = await request
        assert end.reason == "failed"
        assert "was closed" in (end.error or "")
    with pytest.raises(LoadCancelled):
        await loading
    with pytest.raises(EngineError, match="ending"):
        await pool.acquire(entry)


async def test_closing_waits_for_a_load_that_is_being_stopped_already(pool: EnginePool, entry: ModelEntry) -> None:
    progress: list[LoadProgress] = []
    loading = asyncio.create_task(
        pool.acquire(entry, LoadOptions(chat_template="steps=1000 delay=60"), progress.append)
    )
    await until(lambda: any(step.stage == "loading" for step in progress))
    (worker,) = workers()
    worker.suspend()  # it cannot end by itself
    loading.cancel()
    await asyncio.sleep(0)
    await pool.close()
    assert not workers()


async def test_a_model_that_answers_nobody_makes_room_for_another(
    pool: EnginePool, entry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, recent, busy = [await supervised(pool, entry, f"steps={number}") for number in (2, 3, 4)]
    async with aclosing(busy.generate(prompt("tokens=100000 delay=0.01"))) as reply:
        await first_text(reply)
        await answer(old, prompt("tokens=1"))
        await answer(recent, prompt("tokens=1"))

        def check(entry: ModelEntry, options: LoadOptions, taken: object, budget: None, reclaimed: int = 0) -> int:
            if len(workers()) > 3 and not reclaimed:
                raise NotEnoughMemory("too much")
            return 1

        monkeypatch.setattr("mistral_tui.engines.pool.check_content", check)
        await supervised(pool, entry, "steps=5")
        assert [engine.worker_pid is None for engine in (old, recent, busy)] == [True, False, False]
        text, _ = await answer(old, prompt("tokens=1"))
        assert text == "w0 "
        assert [engine.worker_pid is None for engine in (old, recent, busy)] == [False, True, False]


async def test_without_a_model_to_unload_there_is_not_enough_memory(
    pool: EnginePool, entry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> int:
        raise NotEnoughMemory("needs 9 GB")

    monkeypatch.setattr("mistral_tui.engines.pool.check_content", refuse)
    with pytest.raises(NotEnoughMemory, match="9 GB"):
        await pool.acquire(entry)


async def test_forgetting_a_chat_reaches_the_engine(pool: EnginePool, entry: ModelEntry, tmp_path: Path) -> None:
    engine = await pool.acquire(entry)
    await engine.forget("an old chat")
    await until(lambda: "forgot an old chat" in logs(tmp_path / "logs"))
