"""The text of a Word document (Office Open XML, ECMA-376): its paragraphs, lists and tables, in their order."""

import io
import zipfile
from typing import Final
from xml.parsers import expat

from mistral_tui.types.errors import InvalidRequest

_MOST_XML: Final = 64 * 1024 * 1024
"""Bytes of the inflated text part; Word writes about ten for each character."""
_BODY: Final = "word/document.xml"
_SPACES: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def docx_text(content: bytes, name: str) -> str:
    """Return the text of a document; headings are marked as in Markdown, cells of a table are parted by bars.

    Raises:
        InvalidRequest: It is damaged, protected by a password, or inflates to more than anybody writes.
    """
    reader = _Reader(name)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.write
    # Entities that grow are declared in a DOCTYPE, and Word writes none.
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(_body(content, name), True)
    except expat.ExpatError as error:
        raise InvalidRequest(f"{name} is damaged: line {error.lineno} of its text is no XML; save it again") from None
    return reader.text


def _body(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = archive.getinfo(_BODY)
            if entry.flag_bits & 1:
                raise InvalidRequest(f"{name} is protected by a password; save a copy without one")
            with archive.open(entry) as file:
                body = file.read(_MOST_XML + 1)
    except KeyError:
        raise InvalidRequest(f"{name} is no Word document; save it as text, PDF or DOCX") from None
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
        raise InvalidRequest(f"{name} is damaged: {error}; save it again") from None
    except Exception as error:  # zlib.error and lzma's own, which share no base
        raise InvalidRequest(f"{name} is damaged: {type(error).__name__}; save it again") from None
    if len(body) > _MOST_XML:
        raise InvalidRequest(f"{name} inflates to more than {_MOST_XML >> 20} MB; give a part of it")
    return body


class _Reader:
    """Listens to the parser and writes lines."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: list[str] = []
        self._line: list[str] = []
        self._cells: list[list[str]] = []
        """Cells of the rows that are open: tables stand within tables."""
        self._mark = ""
        self._in_text = False
        self._left_out = 0
        """How deep the parser is in what was deleted, or in what says the same once more for old programs."""

    @property
    def text(self) -> str:
        """What was found."""
        return "\n".join(self._lines).strip("\n") + "\n" if self._lines else ""

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        kind = tag.rpartition("}")[2]
        if kind in ("Fallback", "del") or self._left_out:
            self._left_out += 1
        elif kind == "t":
            self._in_text = True
        elif kind in _SPACES:
            self._line.append(_SPACES[kind])
        elif kind == "pStyle":
            self._mark = _heading(_value(attributes)) or self._mark
        elif kind == "numPr":
            self._mark = self._mark or "- "
        elif kind == "tr":
            self._cells.append([])
        elif kind == "tc" and self._cells:
            self._cells[-1].append("")

    def end(self, tag: str) -> None:
        """An element ends."""
        kind = tag.rpartition("}")[2]
        if self._left_out:
            self._left_out -= 1
        elif kind == "t":
            self._in_text = False
        elif kind == "p":
            self._end_paragraph()
        elif kind == "tr" and self._cells:
            self._put("| " + " | ".join(cell.strip() for cell in self._cells.pop()) + " |")

    def write(self, text: str) -> None:
        """Some characters."""
        if self._in_text and not self._left_out:
            self._line.append(text)

    def refuse_doctype(self, *declared: object) -> None:
        """A declaration that no program writes into such a file."""
        raise InvalidRequest(f"{self._name} is no Word document: it declares entities; save it again")

    def _end_paragraph(self) -> None:
        text = "".join(self._line)
        self._put(self._mark + text if text.strip() else "")
        self._line.clear()
        self._mark = ""

    def _put(self, line: str) -> None:
        if self._cells and self._cells[-1]:
            self._cells[-1][-1] += f" {line}"
        else:
            self._lines.append(line)


def _value(attributes: dict[str, str]) -> str:
    return next((value for name, value in attributes.items() if name.rpartition("}")[2] == "val"), "")


def _heading(style: str) -> str:
    level = style.removeprefix("Heading")
    if style == "Title":
        return "# "
    return "#" * int(level) + " " if level in "123456" and level and level != style else ""
