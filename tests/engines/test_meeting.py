"""The place where programs meet their host: nobody else can enter it, listen in it, or be taken for the host."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mistral_tui.engines.host.connection import HostConnection, greet
from mistral_tui.engines.host.meeting import CannotShare, Loopback, Meeting, NobodyThere, UnixSocket
from mistral_tui.engines.host.server import Host
from mistral_tui.engines.pool import EnginePool
from mistral_tui.types.models import LoadOptions
from tests.engines.conftest import prompt
from tests.stubs import loops

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="modes are not known there")]

KINDS = [UnixSocket, Loopback]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "h"


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.fixture(params=KINDS)
async def taken(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Meeting]:
    """Return a place where somebody listens."""
    meeting: Meeting = request.param(folder)
    server = await meeting.listen(silence)
    yield request.param(folder)
    server.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_without_a_host_there_is_nobody(kind: type[Meeting], folder: Path) -> None:
    with pytest.raises(NobodyThere):
        await kind(folder).connect()


async def test_only_the_person_may_enter(taken: Meeting) -> None:
    _, writer = await taken.connect()
    writer.close()
    assert stat.S_IMODE(taken.folder.stat().st_mode) == 0o700
    for path in taken.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o702])
async def test_a_folder_that_others_may_write_to_is_refused(taken: Meeting, mode: int) -> None:
    taken.folder.chmod(mode)
    with pytest.raises(CannotShare, match="open to other users"):
        await taken.connect()
    with pytest.raises(CannotShare, match="open to other users"):
        await taken.listen(silence)


async def test_a_socket_or_a_secret_that_others_may_use_is_refused(taken: Meeting) -> None:
    (file,) = taken.folder.iterdir()
    file.chmod(0o660)
    with pytest.raises(CannotShare, match="open to other users"):
        await taken.connect()


async def test_what_belongs_to_another_user_is_refused(taken: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(CannotShare, match="belongs to another user"):
        await taken.connect()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_or_a_file_in_the_place_of_the_folder_is_refused(kind: type[Meeting], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(CannotShare, match="not what it should be"):
            await kind(tmp_path / name).connect()


@pytest.mark.parametrize("text", ["", "[]", '{"port": "x"}', '{"port": 99999999999, "secret": ""}'])
async def test_a_damaged_address_is_refused(folder: Path, text: str) -> None:
    Loopback(folder).prepare()
    path = folder / "host.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(CannotShare, match="cannot be used"):
        await Loopback(folder).connect()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_place_where_somebody_was_killed_can_be_taken_again(kind: type[Meeting], folder: Path) -> None:
    first = await kind(folder).listen(silence)
    first.close()
    with pytest.raises(NobodyThere):
        await kind(folder).connect()
    second = await kind(folder).listen(silence)
    _, writer = await kind(folder).connect()
    writer.close()
    second.close()


def test_a_proof_is_good_for_one_side_and_one_nonce(folder: Path) -> None:
    meeting, other = Loopback(folder), Loopback(folder)
    meeting.secret, other.secret = b"one", b"another"
    proof = meeting.proof("host", "a")
    assert meeting.is_proof(proof, "host", "a")
    assert not meeting.is_proof(proof, "host", "b")
    assert not meeting.is_proof(proof, "program", "a")
    assert not other.is_proof(proof, "host", "a")
    assert not meeting.is_proof("naïve", "host", "a")


@pytest.fixture
async def loopback_host(scripted_workers: None, folder: Path, tmp_path: Path) -> AsyncIterator[Host]:
    """Return a host in this process, on a loopback address, as on Windows."""
    host = Host(Loopback(folder), EnginePool(tmp_path / "logs", loops.LOADER))
    listening = asyncio.Event()
    running = asyncio.create_task(host.run(listening.set))
    await listening.wait()
    yield host
    host.end()
    await running


async def test_a_host_on_a_loopback_address_serves_who_knows_the_secret(
    loopback_host: Host, folder: Path, tmp_path: Path
) -> None:
    connection = await HostConnection.open(Loopback(folder), "m", lambda notice: None)
    (tmp_path / "m.gguf").touch()
    await connection.load(str(tmp_path / "m.gguf"), LoadOptions(), lambda progress: None, plain_kernels=False)
    text = "".join([event.text async for event in connection.generate(prompt("tokens=2")) if hasattr(event, "text")])
    assert text == "w0 w1 "
    await connection.close()


async def test_who_does_not_know_the_secret_is_not_served(loopback_host: Host, folder: Path) -> None:
    stranger = Loopback(folder)
    reader, writer = await stranger.connect()
    stranger.secret = b"guessed"
    with pytest.raises(CannotShare, match="does not know the secret"):
        await greet(stranger, reader, writer)
    writer.close()
