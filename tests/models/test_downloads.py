"""Downloads: one after the other, paused and resumed, and each failure its own."""

import asyncio
from collections.abc import Callable

import pytest

from mistral_tui.models.downloads import Download, Downloads
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import ModelEntry
from tests.stubs.catalog import model
from tests.stubs.waiting import until

pytestmark = pytest.mark.core

ONE, TWO = (model(name, size=1000, downloaded=False).entry for name in ("one", "two"))


class Hub:
    """Sends a quarter of a model at once and the rest when it is told to; what was sent stays."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.there: dict[str, int] = {}
        self.go_on = asyncio.Event()
        self.failures: list[DownloadFailed] = []

    async def fetch(self, entry: ModelEntry, report: Callable[[int, int], None]) -> ModelEntry:
        self.asked.append(entry.name)
        if self.failures:
            raise self.failures.pop()
        self.there[entry.name] = self.there.get(entry.name, 0) + 250
        report(self.there[entry.name], 1000)
        await self.go_on.wait()
        return entry


async def state(downloads: Downloads, name: str, wanted: str) -> Download:
    """Wait until a download is in a state."""

    def found() -> Download | None:
        download = downloads.of(name)
        return download if download is not None and download.state == wanted else None

    await until(lambda: found() is not None)
    reached = found()
    assert reached is not None
    return reached


async def test_one_model_is_fetched_after_the_other() -> None:
    hub, told = Hub(), list[str]()
    downloads = Downloads(hub.fetch)
    downloads.subscribe(lambda download: told.append(f"{download.entry.name} {download.state}"))
    downloads.begin(ONE)
    downloads.begin(TWO)
    downloads.begin(ONE)
    await state(downloads, "one", "running")
    assert downloads.of("two") == Download(TWO, "waiting", 0, 1000)
    await until(lambda: downloads.all[0].share == 0.25)
    hub.go_on.set()
    await until(lambda: not downloads.all)
    assert hub.asked == ["one", "two"]
    assert [words for words in told if "done" in words] == ["one done", "two done"]


async def test_a_pause_keeps_what_is_there_and_lets_the_next_one_begin() -> None:
    hub = Hub()
    downloads = Downloads(hub.fetch)
    downloads.begin(ONE)
    downloads.begin(TWO)
    await state(downloads, "one", "running")
    downloads.pause("one")
    await state(downloads, "two", "running")
    downloads.pause("two")
    downloads.begin(ONE)
    await state(downloads, "one", "running")
    assert hub.asked == ["one", "two", "one"]
    await downloads.close()
    assert hub.there == {"one": 500, "two": 250}


async def test_a_download_that_is_begun_again_before_its_pause_took_effect_goes_on() -> None:
    hub = Hub()
    downloads = Downloads(hub.fetch)
    downloads.begin(ONE)
    await state(downloads, "one", "running")
    downloads.pause("one")
    downloads.begin(ONE)
    await state(downloads, "one", "running")
    hub.go_on.set()
    await until(lambda: not downloads.all)


async def test_a_failure_says_why_and_the_next_one_is_fetched() -> None:
    hub = Hub()
    hub.failures.append(DownloadFailed("the disk is full; make room"))
    downloads = Downloads(hub.fetch)
    downloads.begin(ONE)
    downloads.begin(TWO)
    failed = await state(downloads, "one", "failed")
    assert failed.error == "the disk is full; make room"
    await state(downloads, "two", "running")
    await downloads.close()


async def test_what_is_dropped_is_forgotten() -> None:
    hub, told = Hub(), list[str]()
    downloads = Downloads(hub.fetch)
    stop = downloads.subscribe(lambda download: told.append(download.state))
    downloads.begin(ONE)
    await state(downloads, "one", "running")
    downloads.drop("one")
    assert downloads.all == ()
    assert told[-1] == "dropped"
    stop()
    downloads.begin(TWO)
    await state(downloads, "two", "running")
    assert told[-1] == "dropped"
    await downloads.close()
