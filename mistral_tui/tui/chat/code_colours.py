"""Colours of code in a reply: few, and each with a meaning.

In a module of its own because Pygments takes a while to load: nothing needs it before the first code block.
"""

from textual.content import Content
from textual.highlight import HighlightTheme, highlight


class CodeColours(HighlightTheme):
    """Keywords in the accent, text in green, numbers in amber, comments recede; names stay as they are."""

    # Keys are Pygments' token types, which are tuples of their names.
    STYLES = {
        ("Comment",): "$text-muted italic",
        ("Generic", "Deleted"): "$text-error",
        ("Generic", "Inserted"): "$text-success",
        ("Generic", "Heading"): "bold",
        ("Generic", "Subheading"): "bold",
        ("Keyword",): "$text-accent",
        ("Keyword", "Constant"): "$text-warning",
        ("Literal", "Number"): "$text-warning",
        ("Literal", "String"): "$text-success",
        ("Literal", "String", "Doc"): "$text-muted italic",
        ("Name", "Attribute"): "$text-warning",
        ("Name", "Class"): "bold",
        ("Name", "Decorator"): "$text-accent",
        ("Name", "Function"): "bold",
        ("Name", "Tag"): "$text-accent",
        ("Operator", "Word"): "$text-accent",
    }


def highlighted(code: str, language: str) -> Content:
    """Return `code` with the colours of `language`; a language that nobody knows gets none."""
    return highlight(code, language=language, theme=CodeColours, tab_size=4)
