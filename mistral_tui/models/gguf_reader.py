"""The bytes of a GGUF header: metadata and tensor descriptions, read under limits.

A model file comes from anywhere. No number in it decides how much memory is taken or how long this runs: values are
kept only if they are small, arrays such as the vocabulary are stepped over in pieces, and everything has a limit.
The file is read, never mapped: a mapped file that shrinks kills the process.

Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>
"""

import stat
import struct
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from mistral_tui.models.gguf_types import ARRAY, SCALARS, STRING, TENSOR_TYPES, TensorType
from mistral_tui.types.errors import BadModelFile
from mistral_tui.types.text import printable_line

Value = int | float | bool | str | list[int | float | bool]

_CHUNK: Final = 2**20
_MOST_KEYS: Final = 2**16
_MOST_TENSORS: Final = 2**17
_LONGEST_NAME: Final = 2**12
_LONGEST_TEXT: Final = 2**20
_LONGEST_LIST: Final = 2**12
_MOST_KEPT: Final = 2**23
_MOST_BYTES: Final = 2**28
_MOST_SECONDS: Final = 10.0
_MOST_DIMENSIONS: Final = 4


@dataclass(frozen=True)
class Tensor:
    """Name, shape and place of one tensor."""

    name: str
    type: TensorType
    shape: tuple[int, ...]
    """The length of a row first."""
    elements: int
    size: int
    """In bytes."""
    offset: int
    """Where it begins in the file."""


@dataclass
class RawHeader:
    """What a file says, unexamined."""

    version: int
    metadata: dict[str, Value] = field(default_factory=dict)
    """Numbers, texts, and short lists of numbers."""
    lengths: dict[str, int] = field(default_factory=dict)
    """How many items each list has, those that were stepped over too."""
    tensors: list[Tensor] = field(default_factory=list)


def read_raw(path: Path) -> RawHeader:
    """Read the header of one file, and see that the file is as long as its tensors need.

    Raises:
        BadModelFile: It is no GGUF file, it is damaged or truncated, or its numbers are beyond any model's.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer
            raise BadModelFile(f"{path}: it is not a file")
        with path.open("rb", buffering=0) as file:
            return _Reader(path, file, status.st_size).read()
    except OSError as error:
        raise BadModelFile(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise BadModelFile(f"{printable_line(str(path))}: not a path") from None


class _Reader:
    """Steps through a header, one window of the file at a time."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path = path
        self._file = file
        self._size = size
        self._window = b""
        self._at = 0
        """Position in the window."""
        self._start = 0
        """Where the window lies in the file."""
        self._kept = 0
        self._deadline = time.monotonic() + _MOST_SECONDS

    def read(self) -> RawHeader:
        if self._size < 4 or (magic := self._take(4)) != b"GGUF":
            raise self._bad(_instead_of_gguf(magic if self._size >= 4 else b""))
        version = self._number("I")
        if version & 0xFFFF == 0:
            raise self._bad("it is a big-endian GGUF file; convert it again for this kind of machine")
        if version not in (2, 3):
            raise self._bad(f"GGUF version {version} is not supported; convert it again with a newer llama.cpp")
        tensor_count, key_count = self._number("Q"), self._number("Q")
        if key_count > _MOST_KEYS or tensor_count > _MOST_TENSORS:
            raise self._bad(f"it claims {key_count} keys and {tensor_count} tensors, more than any model has")
        header = RawHeader(version)
        for _ in range(key_count):
            self._read_pair(header)
        self._read_tensors(header, tensor_count)
        return header

    def _read_pair(self, header: RawHeader) -> None:
        key = self._text(_LONGEST_NAME, "a key")
        if key in header.metadata or key in header.lengths:
            raise self._bad(f"the key {printable_line(key)!r} is there twice")
        kind = self._number("I")
        if kind in SCALARS:
            self._keep(len(key) + 8)
            header.metadata[key] = self._scalar(kind)
        elif kind == STRING:
            length = self._number("Q")
            if length > _LONGEST_TEXT:
                self._skip(length)
                return
            self._keep(len(key) + length)
            header.metadata[key] = self._take(length).decode("utf-8", "replace")
        elif kind == ARRAY:
            self._keep(len(key) + 8)
            self._read_list(header, key)
        else:
            raise self._bad(f"the key {printable_line(key)!r} has a value of the unknown type {kind}")

    def _read_list(self, header: RawHeader, key: str) -> None:
        kind, count = self._number("I"), self._number("Q")
        header.lengths[key] = count
        if kind == STRING:
            self._skip_texts(count)
        elif kind not in SCALARS:
            raise self._bad(f"the list {printable_line(key)!r} has items of the unknown type {kind}")
        elif count <= _LONGEST_LIST:
            self._keep(count * 8)
            values = struct.unpack(f"<{count}{SCALARS[kind]}", self._take(count * struct.calcsize(SCALARS[kind])))
            header.metadata[key] = list(values)
        else:
            self._skip(count * struct.calcsize(SCALARS[kind]))

    def _read_tensors(self, header: RawHeader, count: int) -> None:
        if count == 0:
            raise self._bad("it has no tensors, so it is not a whole model")
        tensors: list[Tensor] = []
        for _ in range(count):
            name = self._text(_LONGEST_NAME, "the name of a tensor")
            self._keep(len(name) + 64)
            tensors.append(self._read_tensor(name))
        alignment = header.metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1 or alignment > _CHUNK or alignment & (alignment - 1):
            raise self._bad("general.alignment is not a power of two")
        data = -(-(self._start + self._at) // alignment) * alignment
        header.tensors = [replace(tensor, offset=data + tensor.offset) for tensor in tensors]
        last = max(header.tensors, key=lambda tensor: tensor.offset + tensor.size)
        if (missing := last.offset + last.size - self._size) > 0:
            raise self._bad(
                f"it is truncated: {missing:,} bytes are missing at the end ({printable_line(last.name)}); "
                "download it again"
            )

    def _read_tensor(self, name: str) -> Tensor:
        """Return the next description; its offset counts from where the data begins."""
        dimensions = self._number("I")
        if dimensions > _MOST_DIMENSIONS:
            raise self._bad(f"the tensor {printable_line(name)!r} has {dimensions} dimensions")
        shape = [self._number("Q") for _ in range(dimensions)]
        kind, offset = self._number("I"), self._number("Q")
        packing = TENSOR_TYPES.get(kind)
        if packing is None:
            raise self._bad(f"the tensor {printable_line(name)!r} is packed in a way (type {kind}) that is not known")
        elements = 1
        for length in shape:
            elements *= length
            if not 0 < elements < 2**48:
                raise self._bad(f"the tensor {printable_line(name)!r} has the absurd shape {shape}")
        row = shape[0] if shape else 1
        if row % packing.block:
            raise self._bad(f"the tensor {printable_line(name)!r} has rows that {packing.name} cannot pack")
        return Tensor(name, packing, tuple(shape), elements, elements // packing.block * packing.bytes, offset)

    def _scalar(self, kind: int) -> Value:
        code = SCALARS[kind]
        value: Value = struct.unpack(f"<{code}", self._take(struct.calcsize(code)))[0]
        return value

    def _number(self, code: str) -> int:
        number: int = struct.unpack(f"<{code}", self._take(struct.calcsize(code)))[0]
        return number

    def _text(self, longest: int, what: str) -> str:
        length = self._number("Q")
        if length > longest:
            raise self._bad(f"{what} is {length} bytes long")
        return self._take(length).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        """Return the next `count` bytes; the caller has made sure that they are few."""
        if self._at + count > len(self._window):
            self._refill(count)
        taken = self._window[self._at : self._at + count]
        self._at += count
        return taken

    def _refill(self, count: int) -> None:
        """Move the window to the current position, at least `count` bytes long."""
        position = self._start + self._at
        if position + count > self._size:
            raise self._bad("it ends in the middle of its header; download it again")
        if position + count > _MOST_BYTES:
            raise self._bad(f"its header is larger than {_MOST_BYTES >> 20} MB")
        if time.monotonic() > self._deadline:
            raise self._bad(f"reading its header takes longer than {_MOST_SECONDS:g} s")
        self._file.seek(position)
        pieces, length = [], 0
        while length < count:
            piece = self._file.read(max(_CHUNK, count) - length)
            if not piece:
                raise self._bad("it became shorter while it was read")
            pieces.append(piece)
            length += len(piece)
        self._window, self._start, self._at = b"".join(pieces), position, 0

    def _skip(self, count: int) -> None:
        if self._at + count <= len(self._window):
            self._at += count
            return
        if count > self._size:
            raise self._bad("it ends in the middle of its header; download it again")
        self._start, self._at, self._window = self._start + self._at + count, 0, b""
        self._refill(0)

    def _skip_texts(self, count: int) -> None:
        """Step over a list of strings; a vocabulary has hundreds of thousands, so the inner loop is bare."""
        if count * 8 > self._size:
            raise self._bad(f"a list claims {count} texts, more than fit into the file")
        length_at = struct.Struct("<Q").unpack_from
        while count:
            self._skip(0)
            window, at, last = self._window, self._at, len(self._window) - 8
            while count and at <= last:
                at += 8 + length_at(window, at)[0]
                count -= 1
            if at > len(window):
                self._at = len(window)
                self._skip(at - len(window))
            else:
                self._at = at
            if count and self._at > len(self._window) - 8:
                self._refill(8)

    def _keep(self, count: int) -> None:
        self._kept += count
        if self._kept > _MOST_KEPT:
            raise self._bad(f"its header has more than {_MOST_KEPT >> 20} MB of metadata")

    def _bad(self, reason: str) -> BadModelFile:
        return BadModelFile(f"{self._path}: {reason}")


def _instead_of_gguf(magic: bytes) -> str:
    if magic in (b"ggml", b"ggmf", b"ggjt", b"lmgg", b"fmgg", b"tjgg"):
        return "it is in the old GGML format; look for a GGUF version of the model"
    if magic[:2] == b"PK":
        return "it is a zip archive (or a PyTorch file), not a GGUF model"
    if magic[:1] == b"<" or magic == b"vers":
        return "it is a web page or a pointer, not a GGUF model; download the file itself"
    return "it is not a GGUF file"
