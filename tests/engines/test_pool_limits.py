"""What stays loaded and what makes way, with real workers: the budget, the number, the time, and the threads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from mistral_tui.engines.pool import FIRST_PROMPT, EnginePool
from mistral_tui.engines.supervised import SupervisedEngine
from mistral_tui.types.errors import EngineError, LoadCancelled, ModelNotFound, NotEnoughMemory
from mistral_tui.types.models import LoadOptions, LoadProgress, ModelEntry
from mistral_tui.types.pool import FOREVER, PoolLimits
from tests.engines.conftest import answer, first_text, logs, prompt
from tests.stubs import loops
from tests.stubs.waiting import until

pytestmark = pytest.mark.core


class Clock:
    """The clock of the running event loop, which can be put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        self._loop = asyncio.get_running_loop()
        now = self._loop.time
        monkeypatch.setattr(self._loop, "time", lambda: now() + self._ahead)

    async def forward(self, seconds: float) -> None:
        self._ahead += seconds
        for _ in range(3):  # timers, then the tasks that they start
            await asyncio.sleep(0)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Pool:
    """A pool of scripted models, called by letters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = EnginePool(folder / "logs", loops.LOADER)
        self.notices: list[str] = []
        self.pool.listen(self.notices.append)

    def entry(self, name: str) -> ModelEntry:
        path = self.folder / f"{name}.gguf"
        path.write_bytes(b"GGUF")
        return ModelEntry(name, path, "gguf", 4, downloaded=True)

    async def load(self, name: str, script: str = "", n_ctx: int | None = None) -> SupervisedEngine:
        engine = await self.pool.acquire(self.entry(name), LoadOptions(n_ctx, chat_template=script))
        assert isinstance(engine, SupervisedEngine)
        return engine

    @property
    def loaded(self) -> set[str]:
        return {model.name for model in self.pool.loaded()}


@pytest.fixture
async def models(scripted_workers: None, tmp_path: Path) -> AsyncIterator[Pool]:
    models = Pool(tmp_path)
    yield models
    await models.pool.close()


ENDLESS = "tokens=1000000 delay=0.01"


async def test_the_least_recently_used_makes_way_when_no_more_may_be_loaded(models: Pool) -> None:
    models.pool.limits = PoolLimits(max_loaded=2)
    a = await models.load("a")
    await models.load("b")
    await answer(a, prompt("tokens=1"))
    await models.load("c")
    assert models.loaded == {"a", "c"}
    assert models.notices == ["b was unloaded to make room for c"]


async def test_a_model_that_is_answering_never_makes_way(models: Pool) -> None:
    models.pool.limits = PoolLimits(max_loaded=1)
    a = await models.load("a")
    async with aclosing(a.generate(prompt(ENDLESS))) as reply:
        await first_text(reply)
        with pytest.raises(NotEnoughMemory, match=r"--max-loaded\); a is in use and cannot make way"):
            await models.load("b")
    assert models.loaded == {"a"}
    await until(lambda: a.state == "idle")
    await models.load("b")
    assert models.loaded == {"b"}


async def test_two_loads_at_once_keep_to_the_number(models: Pool) -> None:
    models.pool.limits = PoolLimits(max_loaded=1)
    loads = await asyncio.gather(models.load("a"), models.load("b"), return_exceptions=True)
    assert len(models.loaded) == 1
    assert all(isinstance(load, SupervisedEngine | NotEnoughMemory) for load in loads)


async def test_a_worker_that_finds_less_memory_than_was_thought_makes_others_go(models: Pool) -> None:
    a = await models.load("a")
    await models.load("b", f"beside={a.worker_pid}")
    assert models.loaded == {"b"}
    assert models.notices == ["a was unloaded to make room for b"]
    a = await models.load("a")
    async with aclosing(a.generate(prompt(ENDLESS))) as reply:
        await first_text(reply)
        await models.pool.unload("b")
        with pytest.raises(NotEnoughMemory, match="it is all taken; a is in use and cannot make way"):
            await models.load("b", f"beside={a.worker_pid}")


async def test_equal_files_with_other_options_count_each(models: Pool) -> None:
    models.pool.limits = PoolLimits(max_loaded=1)
    one = await models.load("a", n_ctx=512)
    two = await models.load("a", n_ctx=1024)
    assert one is not two
    assert (one.state, two.state) == (None, "idle")


async def test_a_model_without_a_prompt_for_long_is_unloaded_and_the_next_loads_it_again(
    models: Pool, clock: Clock
) -> None:
    models.pool.limits = PoolLimits(keep_alive=600)
    a, b = await models.load("a"), await models.load("b")
    await answer(a, prompt("tokens=1"))
    await clock.forward(300)
    await answer(b, prompt("tokens=1"))
    await clock.forward(299)
    assert models.loaded == {"a", "b"}
    await clock.forward(2)
    await until(lambda: models.loaded == {"b"})
    await until(lambda: bool(models.notices))
    assert models.notices == ["a was unloaded after 10 minutes without a prompt; the next one loads it again"]
    text, _ = await answer(a, prompt("tokens=1"))
    assert text == "w0 "


async def test_a_model_that_is_answering_does_not_expire(models: Pool, clock: Clock) -> None:
    models.pool.limits = PoolLimits(keep_alive=10)
    a = await models.load("a")
    async with aclosing(a.generate(prompt(ENDLESS))) as reply:
        await first_text(reply)
        await clock.forward(1000)
        await first_text(reply)
    await until(lambda: a.state == "idle")
    await clock.forward(9)
    assert models.loaded == {"a"}
    await clock.forward(2)
    await until(lambda: not models.loaded)


async def test_kept_alive_for_nothing_a_model_goes_after_its_reply_but_waits_for_the_first_prompt(
    models: Pool, clock: Clock
) -> None:
    models.pool.limits = PoolLimits(keep_alive=0)
    a = await models.load("a")
    await clock.forward(FIRST_PROMPT - 5)
    assert models.loaded == {"a"}
    text, _ = await answer(a, prompt("tokens=1"))
    assert text == "w0 "
    await until(lambda: not models.loaded)
    assert models.notices == []


async def test_kept_alive_for_ever_nothing_wakes_the_program(models: Pool, clock: Clock) -> None:
    models.pool.limits = PoolLimits(keep_alive=FOREVER)
    await models.load("a")
    assert models.pool.next_expiry is None
    await clock.forward(1e6)
    assert models.loaded == {"a"}
    models.pool.limits = PoolLimits(keep_alive=1000)
    await until(lambda: not models.loaded)


async def test_a_model_is_unloaded_when_asked(models: Pool) -> None:
    a = await models.load("a")
    await models.load("a", n_ctx=512)
    await models.load("b")
    await models.pool.unload("a")
    assert models.loaded == {"b"}
    assert a.state is None
    await models.pool.unload(str(models.entry("b").path))
    assert not models.loaded
    with pytest.raises(ModelNotFound, match="b is not loaded"):
        await models.pool.unload("b")
    text, _ = await answer(a, prompt("tokens=1"))
    assert text == "w0 "


async def test_a_model_that_is_in_use_is_not_unloaded(models: Pool) -> None:
    a = await models.load("a")
    async with aclosing(a.generate(prompt(ENDLESS))) as reply:
        await first_text(reply)
        with pytest.raises(EngineError, match="a is answering"):
            await models.pool.unload("a")
        await first_text(reply)
    loading = asyncio.create_task(models.load("b", "steps=1000 delay=0.05"))
    await until(lambda: "b" in models.loaded)
    with pytest.raises(EngineError, match="b is being loaded"):
        await models.pool.unload("b")
    loading.cancel()


async def test_a_worker_that_dies_while_another_loads_harms_nobody(models: Pool) -> None:
    models.pool.limits = PoolLimits(max_loaded=2)
    a = await models.load("a")
    loading = asyncio.create_task(models.load("b", "steps=10 delay=0.02"))
    await until(lambda: "b" in models.loaded)
    _, end = await answer(a, prompt("then=kill"))
    assert end.reason == "failed"
    b = await loading
    assert (await answer(b, prompt("tokens=1")))[0] == "w0 "
    assert (await answer(a, prompt("tokens=1")))[0] == "w0 "


async def test_closing_stops_a_load(models: Pool) -> None:
    progress: list[LoadProgress] = []
    options = LoadOptions(chat_template="steps=1000 delay=0.05")
    loading = asyncio.create_task(models.pool.acquire(models.entry("a"), options, progress.append))
    await until(lambda: any(step.stage == "loading" for step in progress))
    await models.pool.close()
    with pytest.raises(LoadCancelled):
        await loading


async def test_what_is_loaded_is_listed_with_what_it_does(models: Pool, clock: Clock) -> None:
    models.pool.limits = PoolLimits(keep_alive=600)
    a = await models.load("a")
    await models.load("b")
    async with aclosing(a.generate(prompt(ENDLESS))) as reply:
        await first_text(reply)
        await clock.forward(100)
        first, second = models.pool.loaded()
        assert (first.name, first.state, first.worker, first.seconds_left) == ("a", "answering", a.worker_pid, FOREVER)
        assert (second.name, second.state) == ("b", "idle")
        assert 100 <= second.idle_seconds < 130
        assert 470 < second.seconds_left <= 500


async def test_two_models_share_the_cores_while_both_answer(models: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mistral_tui.engines.cores.usable_cores", lambda: 2)

    def told() -> dict[str, list[str]]:
        lines = {name: logs_of(models, name).splitlines() for name in "ab"}
        return {name: [line for line in log if line.startswith("threads")] for name, log in lines.items()}

    a, b = await models.load("a"), await models.load("b")
    async with aclosing(a.generate(prompt(ENDLESS))) as reply:
        await first_text(reply)
        assert told() == {"a": [], "b": []}
        await answer(b, prompt("tokens=3"))
        await first_text(reply)
        await until(lambda: told() == {"a": ["threads: 1", "threads: 2"], "b": ["threads: 1"]})
    await until(lambda: a.state == "idle")
    await answer(b, prompt("tokens=1"))
    assert told() == {"a": ["threads: 1", "threads: 2"], "b": ["threads: 1", "threads: 2"]}


def logs_of(models: Pool, name: str) -> str:
    return logs(models.folder / "logs", f"worker-{name}-*.log")
