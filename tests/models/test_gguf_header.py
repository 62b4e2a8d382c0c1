"""GGUF headers: what they tell, and that no file can cost more than a moment."""

import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mistral_tui.models.gguf_header import read_header
from mistral_tui.types.errors import BadModelFile
from tests.stubs.gguf import ARRAY, BOOL, F32, I32, STRING, U32, U64, GgufFile, text

pytestmark = pytest.mark.core


def test_it_tells_what_the_starter_is(smollm2: Path) -> None:
    header = read_header(smollm2)
    assert (header.architecture, header.quantization, header.license) == ("llama", "Q4_1", "apache-2.0")
    assert header.parameters == 134_515_008
    assert (header.context_length, header.n_layers, header.n_embd, header.n_head) == (8192, 30, 576, 9)
    assert header.n_head_kv == (3,) * 30
    assert (header.key_length, header.value_length, header.n_vocab) == (64, 64, 49152)
    assert header.chat_template is not None
    assert "<|im_start|>" in header.chat_template
    assert header.parts == (smollm2,)


def test_a_layer_may_have_its_own_number_of_heads(tmp_path: Path) -> None:
    file = GgufFile()
    file.metadata["llama.attention.head_count_kv"] = (ARRAY, (I32, [2, 0]))
    file.metadata["llama.attention.key_length"] = (U32, 32)
    file.metadata["llama.attention.sliding_window"] = (U32, 512)
    header = read_header(file.write(tmp_path / "m.gguf"))
    assert header.n_head_kv == (2, 0)
    assert (header.key_length, header.value_length, header.sliding_window) == (32, 16, 512)


def test_without_a_file_type_the_packing_of_most_bytes_names_the_quantization(tmp_path: Path) -> None:
    file = GgufFile(tensors=[("big", (64, 64), 8), ("small", (64,), 0)])
    del file.metadata["general.file_type"]
    header = read_header(file.write(tmp_path / "m.gguf"))
    assert header.quantization == "Q8_0"
    assert header.size_bytes == 64 * 64 // 32 * 34 + 256


def test_values_of_an_unexpected_kind_are_as_good_as_missing(tmp_path: Path) -> None:
    file = GgufFile()
    file.metadata["llama.context_length"] = (STRING, "many")
    file.metadata["llama.attention.head_count"] = (F32, 4.0)
    file.metadata["general.name"] = (BOOL, True)
    file.metadata["tokenizer.chat_template"] = (ARRAY, (STRING, ["a"]))
    header = read_header(file.write(tmp_path / "m.gguf"))
    assert (header.context_length, header.n_head, header.name, header.chat_template) == (0, 0, None, None)


def test_large_lists_and_texts_are_stepped_over(tmp_path: Path) -> None:
    file = GgufFile()
    tokens = [f"token {number} " + "x" * (number % 50) for number in range(60_000)]
    file.metadata = {
        "tokenizer.ggml.tokens": (ARRAY, (STRING, [*tokens, "y" * 3_000_000, *tokens])),
        "tokenizer.ggml.scores": (ARRAY, (F32, [0.5] * 400_000)),
        "huge": (STRING, "z" * 3_000_000),
        **{key: value for key, value in file.metadata.items() if key != "tokenizer.ggml.tokens"},
    }
    path = file.write(tmp_path / "m.gguf")
    tracemalloc.start()
    header = read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert header.n_vocab == 120_001
    assert header.name == "Tiny"
    assert peak < 10 * 2**20


def test_all_parts_of_a_split_file_are_counted(tmp_path: Path) -> None:
    def part(number: int) -> GgufFile:
        file = GgufFile()
        file.metadata |= {"split.no": (U32, number), "split.count": (U32, 2)}
        return file

    first, second = tmp_path / "m-00001-of-00002.gguf", tmp_path / "m-00002-of-00002.gguf"
    part(0).write(first)
    with pytest.raises(BadModelFile, match=r"m-00002-of-00002\.gguf: cannot be read"):
        read_header(first)
    part(1).write(second)
    assert read_header(first).parts == (first, second)
    assert read_header(first).tensor_count == 4
    with pytest.raises(BadModelFile, match=r"part 2 of 2; name the first one, m-00001-of-00002\.gguf"):
        read_header(second)
    renamed = part(0).write(tmp_path / "renamed.gguf")
    with pytest.raises(BadModelFile, match="one of 2 parts"):
        read_header(renamed)


ONE_KEY = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a GGUF file"),
        (b"GG", "not a GGUF file"),
        (b"GGUF", "ends in the middle"),
        (b"PK\3\4" + b"\0" * 99, "zip archive"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "pointer"),
        (b"ggjt" + b"\0" * 99, "old GGML format"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 1, 1, 1), "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 1), "more than any model has"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**63), "more than any model has"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**62), "a key is"),
        (ONE_KEY + text("k") + struct.pack("<IQ", STRING, 2**62), "ends in the middle"),
        (ONE_KEY + text("k") + struct.pack("<IIQ", ARRAY, U32, 2**62), "in the middle"),
        (
            ONE_KEY + text("k") + struct.pack("<IIQ", ARRAY, STRING, 2**61),
            "more than fit",
        ),
        (ONE_KEY + text("k") + struct.pack("<IIQ", ARRAY, ARRAY, 1), "unknown type 9"),
        (ONE_KEY + text("\x1b[2J") + struct.pack("<IQ", 99, 1), "unknown type 99"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_model_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match=reason) as caught:
        read_header(path)
    assert str(path) in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"llama.block_count": (U32, 4_000_000)}, "block_count is 4000000"),
        ({"llama.block_count": (I32, -1)}, "block_count is -1"),
        ({"llama.embedding_length": (U64, 2**60)}, "embedding_length"),
        ({"llama.attention.head_count_kv": (ARRAY, (U32, [2, 2**31]))}, "head_count_kv"),
        ({"general.architecture": (STRING, "")}, "does not name an architecture"),
        ({"general.alignment": (U32, 3)}, "power of two"),
        ({"general.alignment": (U32, 0)}, "power of two"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_absurd_values_are_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    file = GgufFile()
    file.metadata |= change
    with pytest.raises(BadModelFile, match=reason):
        read_header(file.write(tmp_path / "bad.gguf"))


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (("t", (1, 1, 1, 1, 1), 0), "5 dimensions"),
        (("t", (2**62, 2**62), 0), "absurd shape"),
        (("t", (0,), 0), "absurd shape"),
        (("t", (32,), 4), "type 4"),
        (("t", (33,), 8), "cannot pack"),
    ],
)
def test_impossible_tensors_are_refused(tmp_path: Path, tensor: tuple[str, tuple[int, ...], int], reason: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(GgufFile(tensors=[tensor]).header() + b"\0" * 1000)
    with pytest.raises(BadModelFile, match=reason):
        read_header(path)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="no tensors"):
        read_header(GgufFile(tensors=[]).write(tmp_path / "bad.gguf"))


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file = GgufFile()
    file.metadata["general.nomo"] = (STRING, "Other")
    path = tmp_path / "bad.gguf"
    path.write_bytes(file.bytes().replace(b"general.nomo", b"general.name"))
    with pytest.raises(BadModelFile, match=r"'general\.name' is there twice"):
        read_header(path)


@pytest.mark.parametrize("missing", [1, 100, 256, 1000])
def test_a_truncated_file_is_refused(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(GgufFile().bytes()[:-missing])
    with pytest.raises(BadModelFile, match=r"truncated|in the middle"):
        read_header(path)


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="No such file"):
        read_header(tmp_path / "none.gguf")
    with pytest.raises(BadModelFile, match="not a file"):
        read_header(tmp_path)
    with pytest.raises(BadModelFile, match="not a path"):
        read_header(tmp_path / "a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(BadModelFile, match="not a file"):
        read_header(tmp_path / "pipe.gguf")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    path = GgufFile().write(tmp_path / "m.gguf")
    path.chmod(0)
    with pytest.raises(BadModelFile, match="Permission denied"):
        read_header(path)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "m.gguf"


def header_or_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        header = read_header(path)
    except BadModelFile as error:
        assert "\n" not in str(error)
    else:
        assert header.architecture
        assert header.n_layers <= 512


SOUND = GgufFile().bytes()


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_give_a_header_or_an_error(scratch: Path, content: bytes) -> None:
    header_or_error(scratch, content)
    header_or_error(scratch, SOUND[:24] + content)


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_any_damage_to_a_sound_file_gives_a_header_or_an_error(scratch: Path, data: st.DataObject) -> None:
    content = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 9))
        patch = data.draw(st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(PATCHES)))
        content[at : at + len(patch)] = patch
    header_or_error(scratch, bytes(content[: data.draw(st.integers(0, len(content)))]))


PATCHES = [struct.pack("<Q", value) for value in (0, 1, 2**16, 2**31, 2**32, 2**40, 2**63, 2**64 - 1)] + [
    struct.pack("<I", value) for value in range(14)
]
