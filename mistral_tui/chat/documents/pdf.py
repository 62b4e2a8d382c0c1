"""The text of a PDF, page by page."""

import io
from typing import Final

from mistral_tui.types.errors import InvalidRequest

_MOST_PAGES: Final = 2000


def pdf_text(content: bytes, name: str) -> str:
    """Return the text of a PDF; each page begins with a line `[page 3]`, if there are several.

    Raises:
        InvalidRequest: It is damaged, protected by a password, has no text, or too many pages; or `pypdf` is missing.
    """
    try:
        import pypdf  # an extra; only for people who read PDFs
        from pypdf.errors import DependencyError
    except ImportError:
        raise InvalidRequest(
            f"{name} is a PDF, and reading it needs pypdf; install it with: pip install 'mistral-tui[documents]'"
        ) from None
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InvalidRequest(f"{name} is protected by a password; save a copy without one")
        count = len(reader.pages)
        if count > _MOST_PAGES:
            raise InvalidRequest(f"{name} has {count:,} pages; at most {_MOST_PAGES:,} are read; give a part of it")
        pages = [page.extract_text().strip() for page in reader.pages]
    except InvalidRequest:
        raise
    except DependencyError:
        raise InvalidRequest(f"{name} is encrypted; save a copy without protection") from None
    except Exception as error:  # pypdf raises whatever a damaged file makes it stumble over
        raise InvalidRequest(f"{name} is damaged: {type(error).__name__}: {error}; save it again") from None
    if not any(pages):
        raise InvalidRequest(
            f"{name} has no text: its {count:,} pages seem to be scanned; run text recognition (OCR) over it first"
        )
    if count == 1:
        return pages[0] + "\n"
    return "\n\n".join(f"[page {number}]\n{page}" for number, page in enumerate(pages, start=1)) + "\n"
