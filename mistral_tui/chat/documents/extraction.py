"""Reads documents in a process of its own: one that is made to harm may loop or fill the memory, and only that ends.

Run as a program (`python -m mistral_tui.chat.documents.extraction KIND NAME`) it reads a document from standard input
and writes a JSON object with `text` or `error` to standard output.
"""

import json
import sys
from typing import Final, Literal

from mistral_tui.chat.apart import limit_resources, run_apart
from mistral_tui.types.errors import InvalidRequest, MistralTuiError
from mistral_tui.types.text import printable

DocumentKind = Literal["PDF", "DOCX"]

TIME_LIMIT: Final = 20.0
"""Seconds that reading a document may take."""
MOST_TEXT: Final = 4_000_000
"""Characters of a document's text; what a request can carry."""

_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def document_kind(content: bytes, name: str) -> DocumentKind | None:
    """Return which kind of document a file is by its content; `None`: it is none that must be converted.

    Raises:
        InvalidRequest: It is a document that cannot be read here.
    """
    if b"%PDF-" in content[:1024]:
        return "PDF"
    if content.startswith(b"PK\x03\x04") and (b"word/" in content or name.lower().endswith(".docx")):
        return "DOCX"
    if content.startswith(_OLD_OFFICE):
        raise InvalidRequest(f"{name} is an old Office document or protected by a password; save it as DOCX or PDF")
    return None


def document_text(content: bytes, kind: DocumentKind, name: str) -> str:
    """Return the text of a document. Blocks, `TIME_LIMIT` at most.

    Raises:
        InvalidRequest: It is damaged, protected, too long, or has no text; the message says which.
    """
    done = run_apart(__name__, (kind, name), name, TIME_LIMIT, content)
    try:
        answer = json.loads(done)
    except ValueError:
        raise InvalidRequest(f"{name} cannot be read: it is damaged, or needs too much memory; save it again") from None
    if "error" in answer:
        raise InvalidRequest(answer["error"])
    text: str = answer["text"]
    return text


def _extract(kind: str, name: str) -> dict[str, str]:
    # Only here, in the process that reads: the one that draws must not wait for them at its start.
    from mistral_tui.chat.documents.docx import docx_text
    from mistral_tui.chat.documents.pdf import pdf_text

    content = sys.stdin.buffer.read()
    try:
        text = printable(pdf_text(content, name) if kind == "PDF" else docx_text(content, name))
    except MistralTuiError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"{name} needs too much memory; give a part of it"}
    if len(text) > MOST_TEXT:
        return {"error": f"{name} has more than {MOST_TEXT:,} characters of text; give a part of it"}
    if not text.strip():
        return {"error": f"{name} has no text; give another file"}
    return {"text": text}


if __name__ == "__main__":
    limit_resources(TIME_LIMIT)
    json.dump(_extract(*sys.argv[1:]), sys.stdout)
