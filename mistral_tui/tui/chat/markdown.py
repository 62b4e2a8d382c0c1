"""Markdown laid out as rows.

A finished message is one widget however long it is, so Markdown becomes rows of styled text here and not a tree
of widgets. The rows of a block depend on that block alone: a reply that was laid out block by block while it
was written looks the same when it is laid out as a whole, unless the later text changed what the earlier meant.

HTML is shown as text, links show where they lead, and a line break is kept where the model wrote one.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content, Span

from mistral_tui.tui.chat.rows import BLANK, Row, indented, wrapped

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

CODE_FILL = "on $code-background"
MAX_MARKDOWN = 200_000
"""Characters. A text beyond this is shown as it is: no model writes that much, and parsing it would take seconds."""
MAX_BRACKETS = 4_000
"""Opening brackets; for each the parser looks for a link in all that follows. A text with more is shown as it is."""
MAX_HIGHLIGHT = 20_000
"""Characters of a code block that are coloured."""

_DEEPEST = 100
"""Levels of nesting that are laid out."""

_STYLES = {
    "strong": "bold",
    "em": "italic",
    "s": "strike",
    "code_inline": "$code-foreground on $code-background",
    "link": "underline",
    "muted": "$text-muted",
}


def markdown_rows(source: str, width: int) -> list[Row]:
    """Lay out a Markdown document.

    Args:
        source: The document, free of control characters.
        width: Columns that a row may take, at least 1.

    Returns:
        The rows, with one blank row between blocks and none at either end.
    """
    if len(source) > MAX_MARKDOWN or source.count("[") > MAX_BRACKETS:
        return wrapped(Content(source), width)
    from markdown_it.tree import SyntaxTreeNode

    try:
        rows = _Layout(source.split("\n")).blocks(SyntaxTreeNode(_parser().parse(source)).children, max(1, width))
    except RecursionError:
        rows = []
    # What is nested too deeply is left out by the parser: rather show it as it is.
    return rows if rows or not source.strip() else wrapped(Content(source), width)


def inline_rows(text: str, width: int) -> list[Row]:
    """Lay out text with its inline markup alone: no lists, headings or code blocks."""
    from markdown_it.tree import SyntaxTreeNode

    tree = SyntaxTreeNode(_parser().parseInline(text))
    return wrapped(_inline(tree.children[0]), max(1, width)) if tree.children else []


def code_rows(code: str, language: str, width: int, colours: bool = True) -> list[Row]:
    """Lay out a code block: its language at the right, its text on a background of its own."""
    body = max(1, width - 2)
    label = language[: max(0, body)]
    rows = [Row(Content(label).right(body).stylize("$text-muted"), lead=body, fill=CODE_FILL)] if label else []
    text = code.expandtabs(4).rstrip("\n")
    content = _highlighted(text, language) if colours and language else Content(text)
    for line in content.split("\n", allow_blank=True):
        pieces = line.fold(body) if line.cell_length > body else [line]
        rows.extend(Row(piece, joins="" if index else None, fill=CODE_FILL) for index, piece in enumerate(pieces))
    return [
        row._replace(content=row.content.stylize_before(CODE_FILL), code=not index)
        for index, row in enumerate(indented(rows, _CODE_MARGIN, _CODE_MARGIN))
    ]


_CODE_MARGIN = Content(" ")


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


def _highlighted(code: str, language: str) -> Content:
    if len(code) > MAX_HIGHLIGHT:
        return Content(code)
    from mistral_tui.tui.chat.code_colours import highlighted

    return highlighted(code, language)


class _Layout:
    """The rows of one document; holds its lines, for what the tree does not say."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def blocks(self, nodes: "list[SyntaxTreeNode]", width: int) -> list[Row]:
        rows: list[Row] = []
        for node in nodes:
            block = self.block(node, width)
            if block:
                rows += [BLANK, *block] if rows else block
        return rows

    def block(self, node: "SyntaxTreeNode", width: int) -> list[Row]:
        match node.type:
            case "heading":
                style = "bold $heading" if node.tag in ("h1", "h2") else "bold"
                return wrapped(_inline(node).stylize_before(style), width)
            case "bullet_list" | "ordered_list":
                return self.list_items(node, width)
            case "blockquote":
                rail = Content("▎ ").stylize("$text-disabled")
                inner = self.blocks(node.children, max(1, width - 2))
                rows = [row._replace(content=row.content.stylize_before("$text-muted")) for row in inner]
                return indented(rows, rail, rail)
            case "fence" | "code_block":
                language = node.info.split()[0] if node.info.split() else ""
                return code_rows(node.content, language, width)
            case "hr":
                return [Row(Content("─" * width).stylize("$text-disabled"), lead=width)]
            case "table":
                from mistral_tui.tui.chat.tables import table_rows

                header, body = _cells(node)
                return table_rows(header, body, width)
            case _:
                return wrapped(_inline(node), width)

    def list_items(self, node: "SyntaxTreeNode", width: int) -> list[Row]:
        rows: list[Row] = []
        bullet = "•" if node.level == 0 else "◦"
        start = int(node.attrs.get("start", 1))
        for index, item in enumerate(node.children):
            marker = f"{start + index}. " if node.type == "ordered_list" else f"{bullet} "
            inner = self.item(item, max(1, width - len(marker)))
            prefix = Content(marker).stylize("$text-muted")
            if rows and item.map and not self.lines[item.map[0] - 1].strip():
                rows.append(BLANK)
            rows += _marked(inner or [BLANK], prefix)
        return rows

    def item(self, item: "SyntaxTreeNode", width: int) -> list[Row]:
        """Lay out a list item: its own lists follow its text without a blank row."""
        rows: list[Row] = []
        for child in item.children:
            if rows and child.type not in ("bullet_list", "ordered_list"):
                rows.append(BLANK)
            rows += self.block(child, width)
        return rows


def _marked(rows: list[Row], prefix: Content) -> list[Row]:
    """Put a list marker before an item; unlike other decoration it is copied."""
    space = Content(" " * len(prefix))
    first, *rest = rows
    marked = first._replace(content=prefix + first.content, lead=first.lead + len(prefix) if first.lead else 0)
    return [marked, *indented(rest, space, space)]


def _cells(table: "SyntaxTreeNode") -> tuple[list[Content], list[list[Content]]]:
    sections = [[[_inline(cell) for cell in row.children] for row in section.children] for section in table.children]
    header = sections[0][0] if sections and sections[0] else []
    return header, [row for section in sections[1:] for row in section]


def _inline(node: "SyntaxTreeNode") -> Content:
    """The text of a block with the styles of its inline elements."""
    text: list[str] = []
    spans: list[Span] = []
    for child in node.children if node.children else ():
        _collect(child, text, spans, 0)
    return Content("".join(text), spans)


def _collect(node: "SyntaxTreeNode", text: list[str], spans: list[Span], position: int) -> int:
    """Append the text of `node` and its styles; returns the position behind it."""
    start, first = position, len(text)
    match node.type:
        case "softbreak" | "hardbreak":
            piece = "\n"
        case "image":
            piece = f"{node.content or 'image'} ({node.attrs.get('src', '')})"
        case "code_inline":
            piece = node.content
        case _:
            piece = node.content if not node.children else ""
    if piece:
        text.append(piece)
        position += len(piece)
    if node.type != "image":
        for child in node.children:
            position = _collect(child, text, spans, position)
    if node.type == "link":
        position = _append_target(node, text, spans, first, start, position)
    elif (style := _STYLES.get(node.type)) is not None:
        spans.append(Span(start, position, style))
    return position


def _append_target(
    node: "SyntaxTreeNode", text: list[str], spans: list[Span], first: int, start: int, position: int
) -> int:
    """Underline a link's text and, unless that is its address, write the address behind it."""
    spans.append(Span(start, position, _STYLES["link"]))
    target = str(node.attrs.get("href", ""))
    shown = "".join(text[first:])
    if re.sub(r"^(mailto:|https?://)|/$", "", target) == re.sub(r"^https?://|/$", "", shown):
        return position
    piece = f" ({target})"
    text.append(piece)
    spans.append(Span(position, position + len(piece), _STYLES["muted"]))
    return position + len(piece)
