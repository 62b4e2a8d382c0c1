"""Chats that come back from files: in the same process, in a new one, and when the files are of no use."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mistral_tui.engines.chat_files import chat_files_folder
from mistral_tui.engines.gguf.context import Context
from tests.engines.gguf.client import Asked, Client, assistant, message, user
from tests.engines.gguf.conftest import open_engine

pytestmark = pytest.mark.core

JAPAN = user("What is the capital of Japan?")
TOKYO = "The capital of Japan is Tokyo."
LONG = message("system", "You know the capitals of all countries. " + "You answer in one sentence. " * 4)


@pytest.fixture
def opened(smollm2: Path) -> Iterator[Callable[..., Client]]:
    """Return a function that opens SmolLM2 with files."""
    clients: list[Client] = []

    def open_one(**options: object) -> Client:
        client = open_engine(smollm2, **{"n_ctx": 1024, "max_seqs": 2, "spill_mb": 256, **options})
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.close()


def files() -> list[Path]:
    return sorted(chat_files_folder().glob("*.kv"))


def talked(client: Client, chat: str = "chat") -> Asked:
    asked = client.answer(LONG, JAPAN, chat=chat)
    assert asked.text == TOKYO
    return asked


def again(client: Client, chat: str = "chat") -> Asked:
    return client.answer(LONG, JAPAN, assistant(TOKYO), user("And of Italy?"), chat=chat)


def test_a_chat_that_is_opened_again_in_a_new_process_is_not_computed_again(opened: Callable[..., Client]) -> None:
    client = opened()
    first = talked(client)
    client.close()
    (file,) = files()
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    second = again(opened())
    assert second.usage.cached_tokens == first.usage.context_tokens
    assert second.progress[0].done == second.usage.cached_tokens
    assert "Rome" in second.text


def test_a_chat_that_made_way_comes_back(opened: Callable[..., Client]) -> None:
    client = opened()
    first = talked(client)
    for number in range(3):
        client.answer(user(f"What is {number} plus one? " + "Think. " * 30), chat=f"other {number}", max_tokens=2)
    second = again(client)
    assert second.usage.cached_tokens == first.usage.context_tokens
    assert "Rome" in second.text


def test_a_chat_is_kept_soon_after_its_reply(opened: Callable[..., Client]) -> None:
    client = opened()
    talked(client)
    wait_for(lambda: bool(files()))
    again(client)
    wait_for(lambda: not list(chat_files_folder().glob("*.part")))
    assert len(files()) == 1


def wait_for(condition: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_private_chat_is_never_written(opened: Callable[..., Client]) -> None:
    client = opened()
    client.ask(LONG, JAPAN, chat="secret", keep_on_disk=False).end()
    talked(client, chat="other")
    client.close()
    assert len(files()) == 1
    assert opened().answer(LONG, JAPAN, chat="secret").usage.cached_tokens == 0


def test_a_forgotten_chat_has_no_file(opened: Callable[..., Client]) -> None:
    client = opened()
    talked(client)
    wait_for(lambda: bool(files()))
    client.loop.forget("chat")
    client.close()
    assert files() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data + b"more",
        lambda data: b"",
        lambda data: b"\xff" * len(data),
        lambda data: data[:49] + b"\xff" * 16 + data[65:],
    ],
    ids=["half", "one bit", "longer", "empty", "nonsense", "huge lengths"],
)
def test_a_damaged_file_is_dropped_and_the_chat_computed(
    opened: Callable[..., Client], spoil: Callable[[bytes], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    client = opened()
    talked(client)
    client.close()
    (file,) = files()
    file.write_bytes(spoil(file.read_bytes()))
    client = opened()
    asked = again(client)
    assert asked.usage.cached_tokens == 0
    assert "Rome" in asked.text
    assert "was not kept or not found again" in capfd.readouterr().err


def test_a_file_for_other_settings_is_dropped(opened: Callable[..., Client]) -> None:
    client = opened()
    talked(client)
    client.close()
    asked = again(opened(kv_type="q8_0"))
    assert asked.usage.cached_tokens == 0
    assert "Rome" in asked.text


def test_a_pipe_in_place_of_a_file_holds_nobody_up(opened: Callable[..., Client]) -> None:
    client = opened()
    talked(client)
    client.close()
    (file,) = files()
    file.unlink()
    os.mkfifo(file)
    assert again(opened()).usage.cached_tokens == 0


def test_older_files_make_way(opened: Callable[..., Client]) -> None:
    client = opened(spill_mb=4)
    for number in range(3):
        client.answer(LONG, user(f"What is {number} plus one?"), chat=f"chat {number}", max_tokens=2)
    client.close()
    assert 0 < sum(file.stat().st_size for file in files()) <= 4 * 2**20
    assert opened().answer(LONG, user("What is 2 plus one?"), chat="chat 2", max_tokens=2).usage.cached_tokens > 50


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_files(
    opened: Callable[..., Client], capfd: pytest.CaptureFixture[str]
) -> None:
    chat_files_folder().parent.mkdir(parents=True, exist_ok=True)
    chat_files_folder().write_text("a file where the folder should be")
    client = opened()
    talked(client)
    assert "Rome" in again(client).text
    client.close()
    assert capfd.readouterr().err.count("was not kept or not found again") == 1


def test_a_full_disk_costs_nothing_but_the_file(
    opened: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path) -> object:
        return type("Usage", (), {"free": 1000})

    monkeypatch.setattr("shutil.disk_usage", full)
    client = opened()
    talked(client)
    client.close()
    assert files() == []
    assert "nearly full" in capfd.readouterr().err


def test_a_chat_that_could_not_be_kept_once_is_kept_after_its_next_reply(
    opened: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened()
    refused = threading.Event()

    def refuse(context: Context, sequence: int, most_bytes: int) -> bytearray:
        refused.set()
        return bytearray()

    with monkeypatch.context() as patch:
        patch.setattr(Context, "state", refuse)
        talked(client)
        assert refused.wait(20)
    again(client)
    client.close()
    assert len(files()) == 1
