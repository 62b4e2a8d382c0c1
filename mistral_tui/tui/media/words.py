"""Pictures, recordings and documents in words: what they are called, and how much of what they are."""

from mistral_tui.types.messages import Attachment, AudioPart, FilePart, ImagePart
from mistral_tui.types.text import printable_line


def glyph_of(part: Attachment) -> str:
    """Return the sign of a kind of file."""
    match part:
        case FilePart():
            return "▤"
        case ImagePart():
            return "▣"
        case AudioPart():
            return "♪"


def name_of(part: Attachment) -> str:
    """Return what a file is called."""
    name = printable_line(part.name)
    if isinstance(part, FilePart):
        return name
    return name or ("picture" if isinstance(part, ImagePart) else "recording")


def extent_of(part: Attachment) -> list[str]:
    """Return how much there is of a picture or a recording; nothing if that is not known, and of documents."""
    match part:
        case ImagePart(width=width, height=height) if width:
            return [f"{width}\N{MULTIPLICATION SIGN}{height}"]
        case AudioPart(seconds=float() as seconds):
            return [length_words(seconds)]
    return []


def length_words(seconds: float) -> str:
    """Return the length of a recording for people."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole > 9 else f"{seconds:.1f} s"
    return f"{whole // 60}:{whole % 60:02} min"


def size_words(size: int) -> str:
    """Return a number of bytes for people."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:,.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
