import os
from pathlib import Path

import pytest

from mistral_tui.processes import log as worker_log
from mistral_tui.processes.log import WorkerLog

pytestmark = pytest.mark.core


def write(log: WorkerLog, text: str) -> None:
    fd = log.open()
    os.write(fd, text.encode("utf-8", "surrogateescape"))
    os.close(fd)


def test_the_last_line_with_a_word_in_it_is_found_and_harmless(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path, "m")
    write(log, "first\n\x1b[31mout of\tmemory\x07\x1b[0m\udcff\n.....\n\n")
    assert log.last_line() == "out of memory\ufffd"


def test_every_worker_has_a_log_of_its_own(tmp_path: Path) -> None:
    one, two = WorkerLog(tmp_path, "m"), WorkerLog(tmp_path, "m")
    write(one, "first\n")
    write(two, "")
    assert one.last_line() == "first"
    assert two.last_line() is None


def test_the_oldest_logs_are_removed(tmp_path: Path) -> None:
    for number in range(20):
        old = WorkerLog(tmp_path, "m")
        write(old, "old\n")
        os.utime(old.path, (number, number))
    (tmp_path / "notes.log").touch()
    last = WorkerLog(tmp_path, "m")
    write(last, "new\n")
    kept = sorted(tmp_path.glob("worker-*"), key=lambda path: path.stat().st_mtime)
    assert len(kept) == worker_log.KEPT_FILES
    assert [round(path.stat().st_mtime) for path in kept[:-1]] == list(range(11, 20))
    assert kept[-1] == last.path
    assert (tmp_path / "notes.log").exists()


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path, "m")
    write(log, "x" * 100_000)
    assert len(log.last_line() or "") == 241


def test_the_name_of_a_model_is_made_a_name_of_a_file(tmp_path: Path) -> None:
    path = WorkerLog(tmp_path, "../a b/ü:1").path
    assert path.parent == tmp_path
    assert path.name.startswith(f"worker-.._a_b_1-{os.getpid()}-")


def test_a_large_file_is_set_aside_while_a_worker_writes_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_log, "ROTATE_BYTES", 10)
    log = WorkerLog(tmp_path, "m")
    fd = log.open()
    for number in range(5):
        os.write(fd, f"number {number} is long enough\n".encode())
        log.rotate()
    os.write(fd, b"last\n")
    os.close(fd)
    files = sorted(tmp_path.iterdir())
    assert [path.name.removeprefix(log.path.name) for path in files] == ["", ".1", ".2"]
    assert [path.read_text() for path in files] == [
        "last\n",
        "number 4 is long enough\n",
        "number 3 is long enough\n",
    ]
    assert log.last_line() == "last"


def test_a_chat_needs_no_log(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = WorkerLog(tmp_path / "file", "m")
    write(log, "lost\n")
    assert log.last_line() is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is simulated by a device of Linux")
def test_a_full_disk_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_log, "ROTATE_BYTES", 0)
    log = WorkerLog(tmp_path, "m")
    log.path.symlink_to("/dev/full")
    fd = log.open()
    with pytest.raises(OSError, match="No space"):
        os.write(fd, b"lost\n")
    os.close(fd)
    assert log.last_line() is None
