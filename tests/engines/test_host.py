"""Programs that share models: a host in a process of its own, its workers, and the programs that come and go."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from mistral_tui.engines import wire
from mistral_tui.engines.host.hosted import unload_shared
from mistral_tui.engines.host.meeting import meeting_in
from mistral_tui.processes.frames import encode
from mistral_tui.types.errors import BadModelFile, EngineError, LoadCancelled, ModelNotFound, NotEnoughMemory
from mistral_tui.types.events import Finished
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import PoolLimits
from mistral_tui.types.queries import Refusal, Text, Tokenize
from tests.engines.conftest import ROOT, answer, first_text, logs, prompt
from tests.engines.sharing import Place
from tests.stubs.gguf import GgufFile
from tests.stubs.waiting import until

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows yet")]

ENDLESS = "tokens=1000000 delay=0.01"


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    place = Place(tmp_path)
    yield place
    await place.end()


def model(folder: Path, name: str) -> ModelEntry:
    path = GgufFile().write(folder / f"{name}.gguf")
    return ModelEntry(name, path, "gguf", path.stat().st_size, downloaded=True)


@pytest.fixture
def entry(tmp_path: Path) -> ModelEntry:
    return model(tmp_path, "scripted")


async def test_two_programs_share_one_worker_and_each_gets_its_own_text(place: Place, entry: ModelEntry) -> None:
    one, two = await asyncio.gather(place.program().acquire(entry), place.program().acquire(entry))
    assert one is not two
    (text, end), (other_text, other_end) = await asyncio.gather(
        answer(one, prompt("tokens=30 delay=0.002")), answer(two, prompt("tokens=20 delay=0.002"))
    )
    assert text.split() == [f"w{number}" for number in range(30)]
    assert other_text.split() == [f"w{number}" for number in range(20)]
    assert (end.reason, other_end.reason) == ("stop", "stop")
    assert one.model == two.model
    (worker,) = psutil.Process(await place.host_pid()).children()
    assert (await place.held())["scripted"].worker == worker.pid


PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from mistral_tui.types.models import ModelEntry
from tests.engines.conftest import answer, prompt
from tests.engines.sharing import Place

async def main(folder, script):
    pool = Place(folder).program()
    engine = await pool.acquire(ModelEntry("scripted", folder / "scripted.gguf", "gguf", 4, downloaded=True))
    print(engine.worker_pid, flush=True)
    print(await answer(engine, prompt(script)))
    await pool.close()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


async def program(folder: Path, script: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-c", PROGRAM, str(folder), script),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def test_programs_that_come_at_the_same_time_start_one_host(
    place: Place, entry: ModelEntry, tmp_path: Path
) -> None:
    programs = [await program(tmp_path, "tokens=2") for _ in range(3)]
    outputs = [await program.communicate() for program in programs]
    assert {complaints.decode() for _, complaints in outputs} == {""}
    assert all(b"w0 w1" in output for output, _ in outputs)
    host = psutil.Process(await place.host_pid())
    assert {int(output.split()[0]) for output, _ in outputs} == {host.pid}
    assert len(host.children()) == 1


async def test_what_is_loaded_stays_when_programs_end_until_it_is_unloaded(place: Place, entry: ModelEntry) -> None:
    one = place.program()
    await one.acquire(entry)
    assert (await place.held())["scripted"].clients == (os.getpid(),)
    await one.close()
    await place.until_held(lambda held: held["scripted"].clients == ())
    progress: list[LoadProgress] = []
    again = place.program()
    await again.acquire(entry, LoadOptions(), progress.append)
    assert [step.stage for step in progress] == ["starting", "ready"]
    await again.unload("scripted")
    assert await place.held() == {}
    with pytest.raises(ModelNotFound, match="scripted is not loaded"):
        await unload_shared(place.host, "scripted")


async def test_a_host_ends_when_nobody_is_there_and_nothing_is_loaded(place: Place, entry: ModelEntry) -> None:
    pool = place.program(PoolLimits(keep_alive=0))
    engine = await pool.acquire(entry)
    host = psutil.Process(await place.host_pid())
    await answer(engine, prompt("tokens=1"))
    await place.until_held(lambda held: not held)
    assert host.is_running()
    await pool.close()
    await until(lambda: not host.is_running() or host.status() == psutil.STATUS_ZOMBIE)
    assert not (place.host / "host.sock").exists()
    with pytest.raises(ModelNotFound, match="not loaded by a host"):
        await unload_shared(place.host, "scripted")


async def test_a_killed_host_costs_the_rest_of_the_reply_and_the_next_prompt_starts_another(
    place: Place, entry: ModelEntry
) -> None:
    engine = await place.program().acquire(entry)
    host = psutil.Process(await place.host_pid())
    (worker,) = host.children()
    async with aclosing(engine.generate(prompt(ENDLESS))) as events:
        await first_text(events)
        host.kill()
        rest = [event async for event in events]
    end = rest[-1]
    assert isinstance(end, Finished)
    assert end.error == "the host that shares scripted has ended; the next prompt starts it again"
    await until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, seconds=2)
    events_after = [event async for event in engine.generate(prompt("tokens=1"))]
    assert isinstance(events_after[0], LoadProgress)
    assert isinstance(events_after[-1], Finished)
    assert events_after[-1].reason == "stop"
    assert await place.host_pid() != host.pid


async def test_a_killed_program_loses_its_reply_and_harms_no_other(
    place: Place, entry: ModelEntry, tmp_path: Path
) -> None:
    engine = await place.program().acquire(entry)
    other = await program(tmp_path, ENDLESS)
    assert other.stdout is not None
    await other.stdout.readline()
    await place.until_held(lambda held: held["scripted"].state == "answering")
    reply = asyncio.create_task(answer(engine, prompt("tokens=100 delay=0.005", "mine")))
    other.send_signal(signal.SIGKILL)
    await other.communicate()
    await until(lambda: "chat: cancelled" in logs(place.logs))
    text, end = await reply
    assert (len(text.split()), end.reason) == (100, "stop")
    await place.until_held(lambda held: held["scripted"].clients == (os.getpid(),))


async def test_a_killed_worker_is_told_with_its_cause_and_started_again(place: Place, entry: ModelEntry) -> None:
    engine = await place.program().acquire(entry)
    _, end = await answer(engine, prompt("then=kill"))
    assert "scripted was killed by SIGKILL" in (end.error or "")
    assert (await answer(engine, prompt("tokens=1")))[0] == "w0 "


async def test_a_reply_is_cancelled_and_so_is_one_that_nobody_reads(place: Place, entry: ModelEntry) -> None:
    engine = await place.program().acquire(entry)
    request = prompt(ENDLESS)
    async with aclosing(engine.generate(request)) as events:
        await first_text(events)
        await engine.cancel(request.id)
        rest = [event async for event in events]
    assert isinstance(rest[-1], Finished)
    assert rest[-1].reason == "cancelled"
    async with aclosing(engine.generate(prompt("tokens=1000000 size=5000"))) as events:
        await first_text(events)
    await place.until_held(lambda held: held["scripted"].state == "idle")


async def test_a_program_that_does_not_read_pauses_its_own_reply(place: Place, entry: ModelEntry) -> None:
    slow, fast = await place.program().acquire(entry), await place.program().acquire(entry)
    async with aclosing(slow.generate(prompt("tokens=1000000 size=5000"))) as flood:
        await first_text(flood)
        text, end = await answer(fast, prompt("tokens=20"))
        assert (len(text.split()), end.reason) == (20, "stop")
        host = psutil.Process(await place.host_pid())
        before = host.memory_info().rss
        await answer(fast, prompt("tokens=300 delay=0.001"))
        assert host.memory_info().rss - before < 50 * 2**20


async def test_the_same_ids_of_two_programs_are_different_requests(place: Place, entry: ModelEntry) -> None:
    one, two = await place.program().acquire(entry), await place.program().acquire(entry)
    request = prompt("tokens=50 delay=0.005", "the same chat")
    async with aclosing(one.generate(request)) as mine:
        await first_text(mine)
        reply = asyncio.create_task(answer(two, request))
        await one.cancel(request.id)
        rest = [event async for event in mine]
    assert isinstance(rest[-1], Finished)
    assert rest[-1].reason == "cancelled"
    text, end = await reply
    assert (len(text.split()), end.reason) == (50, "stop")


async def test_a_chat_is_forgotten_when_no_other_program_has_it_open(place: Place, entry: ModelEntry) -> None:
    first, second = place.program(), place.program()
    one, two = await first.acquire(entry), await second.acquire(entry)
    await answer(one, prompt("tokens=1", "both"))
    await answer(two, prompt("tokens=1", "both"))
    await answer(one, prompt("tokens=1", "one"))
    await one.forget("both")
    await one.forget("one")
    await until(lambda: "forgot one" in logs(place.logs))
    assert "forgot both" not in logs(place.logs)
    await two.forget("both")
    await until(lambda: "forgot both" in logs(place.logs))


async def test_queries_are_answered(place: Place, entry: ModelEntry) -> None:
    engine = await place.program().acquire(entry)
    assert await engine.ask(Tokenize("hello")) == Text("hello")
    refusal = await engine.ask(Tokenize("abort"))
    assert isinstance(refusal, Refusal)
    assert refusal.error == "WorkerDied"


async def test_a_load_that_fails_says_why_as_the_class_it_was(place: Place, entry: ModelEntry, tmp_path: Path) -> None:
    pool = place.program()
    with pytest.raises(BadModelFile, match="is damaged"):
        await pool.acquire(entry, LoadOptions(chat_template="then=bad"))
    with pytest.raises(ModelNotFound, match="no file"):
        await pool.acquire(ModelEntry("m", tmp_path / "missing.gguf", "gguf", 1, downloaded=True))
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF")
    with pytest.raises(BadModelFile):
        await pool.acquire(ModelEntry("m", damaged, "gguf", 1, downloaded=True))


async def test_a_load_is_stopped_when_the_last_program_gives_it_up(place: Place, entry: ModelEntry) -> None:
    options = LoadOptions(chat_template="steps=1000 delay=0.02")
    first, second = place.program(), place.program()
    heard: list[LoadProgress] = []
    also_heard: list[LoadProgress] = []
    loads = [
        asyncio.create_task(first.acquire(entry, options, heard.append)),
        asyncio.create_task(second.acquire(entry, options, also_heard.append)),
    ]
    await until(lambda: all(steps and steps[-1].stage == "loading" for steps in (heard, also_heard)))
    loads[0].cancel()
    await asyncio.gather(loads[0], return_exceptions=True)
    assert "scripted" in await place.held()
    await second.close()
    with pytest.raises(LoadCancelled):
        await loads[1]
    await place.until_held(lambda held: not held)


async def test_limits_count_for_all_programs_and_who_uses_a_model_is_told_of_its_end(
    place: Place, entry: ModelEntry, tmp_path: Path
) -> None:
    told: list[str] = []
    one = place.program(PoolLimits(max_loaded=1))
    one.listen(told.append)
    engine = await one.acquire(entry)
    two = place.program()
    two.listen(lambda notice: told.append(f"two: {notice}"))
    await two.acquire(model(tmp_path, "other"))
    await until(lambda: bool(told))
    assert told == ["scripted was unloaded to make room for other"]
    three = place.program(PoolLimits(memory_budget=1000), insist=True)
    with pytest.raises(NotEnoughMemory, match=r"third needs about .* and .* are left of the memory budget"):
        await three.acquire(model(tmp_path, "third"))
    assert (await answer(engine, prompt("tokens=1")))[1].reason == "failed"


async def test_a_model_in_use_by_another_program_is_not_unloaded(place: Place, entry: ModelEntry) -> None:
    engine = await place.program().acquire(entry)
    async with aclosing(engine.generate(prompt(ENDLESS))) as events:
        await first_text(events)
        with pytest.raises(EngineError, match="scripted is answering"):
            await unload_shared(place.host, "scripted")


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        (wire.Hello(version=99), "speaks version 99"),
        (wire.Hello(build="9.9"), "the host is of mistral-tui 9.9"),
        (wire.Hello(proof="guessed"), "does not know the secret"),
        (wire.Notice(text="hello"), "the first frame is notice and not hello"),
    ],
)
async def test_where_a_stranger_listens_a_program_loads_its_own_model_and_says_so(
    place: Place, entry: ModelEntry, hello: wire.FromHost, why: str
) -> None:
    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode(hello))
        await reader.read()
        writer.close()

    server = await meeting_in(place.host).listen(stranger)
    pool = place.program()
    engine = await pool.acquire(entry)
    told: list[str] = []
    pool.listen(told.append)
    assert told[0].startswith("models are not shared with other programs: ")
    assert why in told[0]
    assert (await answer(engine, prompt("tokens=1")))[0] == "w0 "
    await pool.unload("scripted")
    server.close()
    meeting_in(place.host).leave()


@pytest.mark.parametrize("data", [b"\xff" * 40, b"GET / HTTP/1.1\r\n\r\n", encode(wire.ListLoaded())])
async def test_a_stranger_that_speaks_nonsense_is_left_and_the_others_go_on(
    place: Place, entry: ModelEntry, data: bytes
) -> None:
    engine = await place.program().acquire(entry)
    reader, writer = await meeting_in(place.host).connect()
    writer.write(data)
    async with asyncio.timeout(10):
        await reader.read()
    writer.close()
    assert (await answer(engine, prompt("tokens=1")))[0] == "w0 "


async def test_a_socket_of_a_killed_host_is_replaced(place: Place, entry: ModelEntry) -> None:
    pool = place.program()
    await pool.acquire(entry)
    os.kill(await place.host_pid(), signal.SIGKILL)
    await place.until_gone()
    assert (place.host / "host.sock").exists()
    await place.program().acquire(entry)


async def test_a_host_that_cannot_be_started_is_no_reason_not_to_answer(
    place: Place, entry: ModelEntry, tmp_path: Path
) -> None:
    place.host = tmp_path / ("long" * 40)
    pool = place.program()
    told: list[str] = []
    pool.listen(told.append)
    engine = await pool.acquire(entry)
    assert "is too long for a socket" in told[0]
    assert (await answer(engine, prompt("tokens=1")))[0] == "w0 "
