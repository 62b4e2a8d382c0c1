import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from mistral_tui.engines.gguf.media.places import (
    Embeddings,
    MediaOfRequest,
    MediaRun,
    Medium,
    Placed,
    key_of,
    run_tokens,
)
from mistral_tui.engines.gguf.media.projector import Projector
from mistral_tui.engines.gguf.media.reader import MediaReader

pytestmark = pytest.mark.core

FLOATS = 100
"""Of each picture."""


class FakeProjector:
    """Encodes whatever it gets."""

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self.closed = False

    def read(self, data: bytes, name: str, encode: bool) -> tuple[Medium, Embeddings]:
        key = key_of(data)
        if encode:
            self.encoded.append(name)
        run = MediaRun(run_tokens(key, 0, 4), 4, None, whole=False)
        return Medium(key, (run,)), ([0.0] * FLOATS,) if encode else ()

    def stop(self) -> None:
        pass

    def allow(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


Read = Callable[..., MediaOfRequest]


@pytest.fixture
def projector() -> FakeProjector:
    return FakeProjector()


def reading(projector: FakeProjector, folder: Path, memory: int) -> tuple[MediaReader, Read]:
    reader = MediaReader(cast(Projector, projector), memory)

    def read(names: str, encode: str = "") -> MediaOfRequest:
        for name in names:
            (folder / name).write_bytes(name.encode())
        of, done = MediaOfRequest(), threading.Event()
        problems: list[str | None] = []

        def finish(problem: str | None) -> None:
            problems.append(problem)
            done.set()

        reader.read([str(folder / name) for name in names], [str(folder / name) for name in encode], of, finish)
        assert done.wait(10)
        assert problems == [None]
        return of

    return reader, read


def test_a_picture_is_encoded_when_it_is_wanted_and_only_once(projector: FakeProjector, tmp_path: Path) -> None:
    reader, read = reading(projector, tmp_path, memory=10_000)
    assert (read("ab").encoded, read("ab", encode="b").encoded, read("ab", encode="b").encoded) == (0, 1, 0)
    assert projector.encoded == ["b"]
    reader.close()
    assert projector.closed


def test_no_more_is_kept_than_the_limit_and_the_longest_unused_goes_first(
    projector: FakeProjector, tmp_path: Path
) -> None:
    reader, read = reading(projector, tmp_path, memory=2 * 4 * FLOATS)
    read("ab", encode="ab")
    read("a", encode="a")
    read("c", encode="c")
    assert read("a", encode="a").encoded == 0
    assert read("b").encoded == 0
    assert read("b", encode="b").encoded == 1
    assert projector.encoded == ["a", "b", "c", "b"]
    reader.close()


def test_what_is_larger_than_the_limit_still_reaches_its_request(projector: FakeProjector, tmp_path: Path) -> None:
    reader, read = reading(projector, tmp_path, memory=4)
    of = read("a", encode="a")
    assert [len(array) for array in of.embeddings[key_of(b"a")]] == [FLOATS]
    reader.close()


def test_a_request_lacks_what_it_must_compute_and_does_not_have(projector: FakeProjector, tmp_path: Path) -> None:
    reader, read = reading(projector, tmp_path, memory=10_000)
    of = read("ab", encode="b")
    placed, begin = [], 10
    for name in "ab":
        medium = of.media[str(tmp_path / name)]
        placed.append(Placed(begin, medium.key, 0, medium.runs[0]))
        begin += 4
    assert of.lacking(placed, 0) == [str(tmp_path / "a")]
    assert of.lacking(placed, 13) == [str(tmp_path / "a")]
    assert of.lacking(placed, 14) == []
    reader.close()


def test_the_places_of_different_media_differ() -> None:
    one, other = run_tokens(key_of(b"one"), 0, 1000), run_tokens(key_of(b"other"), 0, 1000)
    assert all(token < 0 for token in one)
    assert one[:10] == run_tokens(key_of(b"one"), 0, 10)
    assert len({*one, *other, *run_tokens(key_of(b"one"), 1, 1000)}) > 2990
