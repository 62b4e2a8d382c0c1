"""Colours of code in a reply: few, and each with a meaning.

In a module of its own because Pygments takes a while to load: nothing needs it before the first code block.
"""

from pygments.token import Token
from textual.content import Content
from textual.highlight import HighlightTheme, highlight


class CodeColours(HighlightTheme):
    """Keywords in the accent, text in green, numbers in amber, comments recede; names stay as they are."""

    STYLES = {
        Token.Comment: "$text-muted italic",
        Token.Generic.Deleted: "$text-error",
        Token.Generic.Inserted: "$text-success",
        Token.Generic.Heading: "bold",
        Token.Generic.Subheading: "bold",
        Token.Keyword: "$text-accent",
        Token.Keyword.Constant: "$text-warning",
        Token.Literal.Number: "$text-warning",
        Token.Literal.String: "$text-success",
        Token.Literal.String.Doc: "$text-muted italic",
        Token.Name.Attribute: "$text-warning",
        Token.Name.Class: "bold",
        Token.Name.Decorator: "$text-accent",
        Token.Name.Function: "bold",
        Token.Name.Tag: "$text-accent",
        Token.Operator.Word: "$text-accent",
    }


def highlighted(code: str, language: str) -> Content:
    """Return `code` with the colours of `language`; a language that nobody knows gets none."""
    return highlight(code, language=language, theme=CodeColours, tab_size=4)
