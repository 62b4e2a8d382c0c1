"""Fetching from a hub: the real client, against a server that speaks the hub's protocol and misbehaves."""

import asyncio
import errno
import logging
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import mistral_tui
from mistral_tui.models.download import DownloadProgress, discard, fetch, fetch_choice, look_up
from mistral_tui.models.hub import fetching
from mistral_tui.models.hub.part_file import PartFile
from mistral_tui.models.hub.reference import HubReference
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import ModelEntry
from tests.stubs.hub import Hub, running_hub, sha256
from tests.stubs.waiting import until

pytestmark = pytest.mark.core
MODEL = b"GGUF" + bytes(range(256)) * 8000
SMALL = b'{"model_type": "llama"}'


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.001)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.repositories["owner/repo"] = {"m-Q4_K_M.gguf": MODEL, "README.md": b"# hello"}
        yield hub


def entry(source: str = "hf:owner/repo/m-Q4_K_M.gguf", sha: str | None = None) -> ModelEntry:
    return ModelEntry("m", Path("/anywhere/m.gguf"), "gguf", len(MODEL), downloaded=False, source=source, sha256=sha)


def nothing(progress: DownloadProgress) -> None:
    pass


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def part_size(folder: Path) -> int:
    """Return how much of the model is there."""
    return sum(path.stat().st_size for path in folder.glob("*.part"))


async def test_a_model_is_fetched_checked_and_named(hub: Hub, tmp_path: Path) -> None:
    seen: list[DownloadProgress] = []
    path = await fetch(entry(sha=sha256(MODEL)), tmp_path / "models", seen.append)
    assert path == tmp_path / "models" / "m.gguf"
    assert path.read_bytes() == MODEL
    assert left(path.parent) == ["m.gguf"]
    assert [seen[0].stage, seen[-1].stage] == ["preparing", "done"]
    amounts = [progress.done for progress in seen if progress.stage == "downloading"]
    assert amounts == sorted(amounts)
    assert amounts[-1] == len(MODEL)
    assert {progress.total for progress in seen} == {len(MODEL)}
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600


async def test_the_hub_is_asked_for_the_model_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    await fetch(entry(), tmp_path, nothing)
    assert [(asked.server, asked.path) for asked in hub.asked] == [
        ("hub", "/api/models/owner/repo"),
        ("hub", "/owner/repo/resolve/main/m-Q4_K_M.gguf"),
        ("content", "/resolve/owner/repo|m-Q4_K_M.gguf"),
    ]
    assert all(asked.program.startswith(f"mistral-tui/{mistral_tui.__version__}; hf_hub/") for asked in hub.asked)
    assert not any("torch" in asked.program for asked in hub.asked)


async def test_what_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    await fetch(entry(), tmp_path, nothing)
    before = len(hub.content_requests())
    await fetch(entry(), tmp_path, nothing)
    assert len(hub.content_requests()) == before


async def test_a_cancel_keeps_the_part_and_the_next_call_goes_on_with_it(hub: Hub, tmp_path: Path) -> None:
    hub.stall_after = len(MODEL) // 2
    task = asyncio.ensure_future(fetch(entry(), tmp_path, nothing))
    await asyncio.to_thread(hub.stalled.wait, 30)
    await until(lambda: part_size(tmp_path) >= 2**19)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):  # at once, though the server says nothing
        await asyncio.wait_for(task, 5)
    kept = part_size(tmp_path)
    hub.stall_after = None
    hub.go_on.set()
    path = await fetch(entry(), tmp_path, nothing)
    assert path.read_bytes() == MODEL
    assert hub.content_requests()[-1].range == f"bytes={kept}-"
    assert left(tmp_path) == ["m.gguf"]


async def test_a_broken_connection_is_resumed_by_itself(hub: Hub, tmp_path: Path) -> None:
    hub.break_after = [300_000, 0, 0, 500_000]
    path = await fetch(entry(), tmp_path, nothing)
    assert path.read_bytes() == MODEL
    content = [asked for asked in hub.content_requests() if asked.server == "content"]
    assert len(content) == 5
    assert content[0].range is None
    assert all(asked.range for asked in content[1:])


async def test_a_connection_that_stays_broken_says_what_is_kept(hub: Hub, tmp_path: Path) -> None:
    hub.break_after = [1_200_000, *[0] * 20]
    with pytest.raises(
        DownloadFailed, match=r"broke after 0\.00 GB of 0\.00 GB; what was fetched is kept: fetch it again"
    ):
        await fetch(entry(), tmp_path, nothing)
    assert part_size(tmp_path) >= 2**20
    hub.break_after = []
    assert (await fetch(entry(), tmp_path, nothing)).read_bytes() == MODEL


async def test_a_server_that_cannot_resume_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    hub.break_after = [1_200_000]
    assert (await fetch(entry(), tmp_path, nothing)).read_bytes() == MODEL


async def test_a_part_of_another_content_is_not_mixed_in(hub: Hub, tmp_path: Path) -> None:
    hub.break_after = [1_200_000, *[0] * 20]
    with pytest.raises(DownloadFailed):
        await fetch(entry(), tmp_path, nothing)
    hub.break_after = []
    changed = MODEL[::-1]
    hub.repositories["owner/repo"]["m-Q4_K_M.gguf"] = changed
    assert (await fetch(entry(), tmp_path, nothing)).read_bytes() == changed
    discard(entry(), tmp_path)
    assert left(tmp_path) == ["m.gguf"]


async def test_wrong_content_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.lies["m-Q4_K_M.gguf"] = b"X" * len(MODEL)
    with pytest.raises(DownloadFailed, match="did not arrive as the hub says it is"):
        await fetch(entry(), tmp_path, nothing)
    assert left(tmp_path) == []


async def test_content_that_does_not_end_is_cut_off(hub: Hub, tmp_path: Path) -> None:
    hub.lies["m-Q4_K_M.gguf"] = MODEL * 3
    with pytest.raises(DownloadFailed):
        await fetch(entry(), tmp_path, nothing)
    assert part_size(tmp_path) <= len(MODEL)


async def test_a_hash_that_the_inventory_does_not_expect_is_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="another SHA-256"):
        await fetch(entry(sha="0" * 64), tmp_path, nothing)
    assert not hub.content_requests()


async def test_the_token_goes_to_the_hub_and_nowhere_else(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.token = "hf_secret"
    hub.gated.add("owner/repo")
    with pytest.raises(
        DownloadFailed, match=rf"owner/repo is gated: ask for access at {hub.url}/owner/repo, then log in"
    ):
        await fetch(entry(), tmp_path, nothing)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert (await fetch(entry(), tmp_path, nothing)).read_bytes() == MODEL
    assert {asked.token for asked in hub.asked if asked.server == "content"} == {None}
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(DownloadFailed, match=r"does not accept your token \(of HF_TOKEN\); log in with") as caught:
        await look_up(HubReference("owner/repo"))
    assert "hf_" not in str(caught.value)
    assert "hf_secret" not in caplog.text
    assert "hf_wrong" not in caplog.text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf:owner/nothing", "has no repository owner/nothing, or it is private; check the name, or log in with"),
        ("hf:owner/repo/no.gguf", "owner/repo has no file no.gguf; it has m-Q4_K_M.gguf"),
        ("hf:owner/repo", "its source hf:owner/repo/m"),
    ],
)
async def test_what_is_not_there_is_said(hub: Hub, tmp_path: Path, source: str, message: str) -> None:
    wanted = entry(source)
    if source == "hf:owner/repo":
        wanted = ModelEntry("m", Path("/x/m"), "safetensors", 1, downloaded=False, source=source)
    with pytest.raises(DownloadFailed) as caught:
        await fetch(wanted, tmp_path, nothing)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (503, "has a problem of its own (503)"),
        (429, "too many requests"),
        (403, "refuses it (403)"),
        (418, "answered with status 418"),
        (404, "has no repository"),
    ],
)
async def test_what_the_hub_refuses_is_said(hub: Hub, tmp_path: Path, status: int, message: str) -> None:
    hub.status = status
    with pytest.raises(DownloadFailed) as caught:
        await fetch(entry(), tmp_path, nothing)
    assert message in str(caught.value)


async def test_offline_makes_no_call(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match="HF_HUB_OFFLINE is set; unset it to use the network"):
        await fetch(entry(), tmp_path, nothing)
    assert hub.asked == []


async def test_a_full_disk_is_foreseen_and_survived(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    with pytest.raises(DownloadFailed, match=r"needs 0\.00 GB on the disk of .* are free; make room"):
        await fetch(entry(), tmp_path, nothing)
    assert not hub.content_requests()


async def test_a_disk_that_fills_up_keeps_what_is_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.break_after = [1_200_000, *[0] * 20]
    with pytest.raises(DownloadFailed):
        await fetch(entry(), tmp_path, nothing)
    kept = part_size(tmp_path)
    hub.break_after = []

    def full(part: PartFile, begin: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "open_at", full)
        with pytest.raises(DownloadFailed, match="is full; what was fetched is kept: make room and fetch it again"):
            await fetch(entry(), tmp_path, nothing)
    assert part_size(tmp_path) == kept
    assert (await fetch(entry(), tmp_path, nothing)).read_bytes() == MODEL


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>log in to the hotel's network</html>",
        b"[]",
        b"{}",
        b'{"id": "owner/repo"}',
        b'{"id": "owner/repo", "siblings": [{"rfilename": 7, "size": -1}, {"rfilename": "m.gguf", "size": "big"}]}',
        b'{"id": "owner/repo", "siblings": [{"rfilename": "m.gguf", "size": 4, "lfs": {"oid": []}}]}',
        b'{"id": "o/r", "siblings": [{"rfilename": "../../m.gguf", "size": 4}, {"rfilename": "/m.gguf", "size": 4}]}',
        b"[" * 100_000,
    ],
    ids=range(8),
)
async def test_answers_that_make_no_sense_are_one_line(hub: Hub, tmp_path: Path, answer: bytes) -> None:
    hub.answer = answer
    with pytest.raises(DownloadFailed) as caught:
        await fetch(entry("hf:owner/repo/m.gguf"), tmp_path, nothing)
    assert "\n" not in str(caught.value)
    assert not hub.content_requests()


@pytest.mark.parametrize("endpoint", ["http://[", "ftp://x", "nonsense", "http://127.0.0.1:99999"])
async def test_an_endpoint_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(DownloadFailed, match=r"HF_ENDPOINT \(.*\) is no address"):
        await fetch(entry(), tmp_path, nothing)


async def test_two_downloads_of_one_model_wait_for_each_other(hub: Hub, tmp_path: Path) -> None:
    stages: list[set[str]] = [set(), set()]
    hub.bytes_per_second = 8_000_000

    async def fetch_and_note(seen: set[str]) -> Path:
        return await fetch(entry(), tmp_path, lambda progress: seen.add(progress.stage))

    paths = await asyncio.gather(*map(fetch_and_note, stages))
    assert set(paths) == {tmp_path / "m.gguf"}
    assert {"waiting", "done"} in [seen - {"preparing"} for seen in stages]
    assert len([asked for asked in hub.content_requests() if asked.server == "content"]) == 1


async def test_all_parts_and_the_projector_come_along(hub: Hub, tmp_path: Path) -> None:
    files = {f"big-Q4_K_M-{number:05}-of-00003.gguf": MODEL + bytes([number]) for number in (1, 2, 3)}
    hub.repositories["owner/big"] = {**files, "mmproj-F16.gguf": b"GGUFprojector", "mmproj-F32.gguf": b"GGUF32"}
    choice = await look_up(HubReference.parse("owner/big:q4_k_m"))
    path = await fetch_choice(choice, tmp_path / "big-Q4_K_M-00001-of-00003.gguf", nothing)
    assert path.name == "big-Q4_K_M-00001-of-00003.gguf"
    assert left(tmp_path) == [*files, "mmproj-F16.gguf"]
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


async def test_a_repository_of_safetensors_becomes_a_folder_when_it_is_whole(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["owner/safe"] = {
        "config.json": SMALL,
        "model-00001-of-00002.safetensors": MODEL,
        "model-00002-of-00002.safetensors": MODEL[::-1],
        "consolidated.safetensors": MODEL,
        "pytorch_model.bin": MODEL,
        "empty.json": b"",
        "onnx/model.onnx": MODEL,
        "../../escape.json": SMALL,
    }
    wanted = ModelEntry("safe", Path("/x/safe"), "safetensors", 1, downloaded=False, source="hf:owner/safe")
    hub.break_after = [1_200_000, *[0] * 20]
    with pytest.raises(DownloadFailed):
        await fetch(wanted, tmp_path, nothing)
    assert left(tmp_path) == [".safe.part"]
    hub.break_after = []
    path = await fetch(wanted, tmp_path, nothing)
    assert left(tmp_path) == ["safe"]
    assert left(path) == [
        "config.json",
        "empty.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    assert not (tmp_path.parent / "escape.json").exists()


async def test_a_hub_that_cannot_be_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_hub() as gone:
        monkeypatch.setenv("HF_ENDPOINT", gone.url)
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        await fetch(entry(), tmp_path, nothing)
