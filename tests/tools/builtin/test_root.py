"""No path leads out of the sandbox root, however it is written and whatever is linked."""

import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mistral_tui.tools.builtin.root import REGULAR, SandboxRoot
from mistral_tui.types.errors import ToolError

pytestmark = [
    pytest.mark.core,
    pytest.mark.skipif(sys.platform == "win32", reason="links there need rights that a test may not have"),
]

SECRET = b"outside"
NAMES = st.sampled_from(["..", ".", "", "inner", "file", "out", "up", "loop", "home", "absent", "hop", "*", "\n", "é"])


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a secret, beside a root that holds links of every kind to it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "file").write_bytes(SECRET)
    root = folder / "root"
    (root / "inner").mkdir(parents=True)
    (root / "file").write_bytes(b"inside")
    (root / "inner" / "file").write_bytes(b"inside")
    (root / "out").symlink_to(folder)
    (root / "inner" / "up").symlink_to("../..")
    (root / "up").symlink_to("inner/../../file")
    (root / "loop").symlink_to("loop")
    (root / "home").symlink_to(root / "inner")
    (root / "inner" / "hop").symlink_to("../home/./file")
    return folder


def content(root: SandboxRoot, path: str) -> bytes:
    with root.place(path) as place:
        opened = os.open(place.name, os.O_RDONLY | REGULAR, dir_fd=place.folder)
        with os.fdopen(opened, "rb") as file:
            return file.read()


@given(st.lists(NAMES | st.text(max_size=8), max_size=8), st.sampled_from(["", "/", "ROOT/", "~/", "./"]))
@settings(max_examples=150, deadline=None)
def test_no_path_reads_what_is_outside(outside: Path, names: list[str], head: str) -> None:
    root = SandboxRoot(outside / "root")
    try:
        found = content(root, head.replace("ROOT", str(outside / "root")) + "/".join(names))
    except ToolError:
        return
    finally:
        os.close(root._fd or -1)
    assert found == b"inside"


@pytest.mark.parametrize(
    "path",
    ["..", "../file", "inner/../../file", "out/file", "up", "inner/up/file", "/etc/passwd", "{}/../file", "{}x/file"],
)
def test_what_leads_out_is_refused_with_the_reason(outside: Path, path: str) -> None:
    with pytest.raises(ToolError, match="is outside the sandbox root"):
        content(SandboxRoot(outside / "root"), path.format(outside / "root"))


@pytest.mark.parametrize("path", ["file", "./inner//file", "inner/../file", "home/file", "inner/hop", "{}/inner/file"])
def test_what_stays_inside_is_found_also_by_links(outside: Path, path: str) -> None:
    assert content(SandboxRoot(outside / "root"), path.format(outside / "root")) == b"inside"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("loop", "leads to itself"),
        ("~/file", "without ~"),
        ("absent/file", "No such file"),
        ("file/file", "Not a directory"),
        ("a\0b", "is no path"),
        ("\ud800", "is no path"),
        ("x" * 300, "too long"),
        ("inner/" * 3000 + "file", "No such file|too long"),
    ],
)
def test_hostile_names_are_told_in_a_line(outside: Path, path: str, says: str) -> None:
    with pytest.raises(ToolError, match=says) as told:
        content(SandboxRoot(outside / "root"), path)
    assert "\n" not in str(told.value)


def test_a_link_that_is_put_in_the_way_meanwhile_is_not_followed(outside: Path, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "file").write_bytes(b"inside")
    (tmp_path / "link").symlink_to(outside)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for first, second in (("dir", "kept"), ("link", "dir"), ("dir", "link"), ("kept", "dir")):
                (tmp_path / first).rename(tmp_path / second)

    swapping = threading.Thread(target=swap)
    root = SandboxRoot(tmp_path)
    swapping.start()
    try:
        for _ in range(300):
            try:
                assert content(root, "dir/file") == b"inside"
            except ToolError:
                continue
    finally:
        over.set()
        swapping.join()


def test_a_root_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "absent"):
        with pytest.raises(ToolError, match=r"the sandbox root .* cannot be used"):
            SandboxRoot(tmp_path / name)
