"""Tables in Markdown: columns as wide as they need, narrower together when there is no room."""

from textual.content import Content

from mistral_tui.tui.chat.rows import Row, wrapped

_GAP = 2
_NARROWEST = 4


def table_rows(header: list[Content], body: list[list[Content]], width: int) -> list[Row]:
    """Lay out a table; where even narrow columns do not fit, each row becomes lines of `name: value`."""
    columns = max((len(row) for row in [header, *body]), default=0)
    if not columns:
        return []
    widths = _column_widths([header, *body], columns, width - _GAP * (columns - 1))
    if widths is None:
        return _as_list(header, body, width)
    rows = _table_row([cell.stylize_before("bold") for cell in header], widths)
    rows.append(Row(Content((" " * _GAP).join("─" * cells for cells in widths)).stylize("$text-disabled")))
    for cells in body:
        rows += _table_row(cells, widths)
    return rows


def _column_widths(table: list[list[Content]], columns: int, room: int) -> list[int] | None:
    wanted = [max((_cells(row[column]) for row in table if column < len(row)), default=1) for column in range(columns)]
    widths = [max(1, cells) for cells in wanted]
    if columns * _NARROWEST > room and sum(widths) > room:
        return None
    while sum(widths) > room:
        widest = widths.index(max(widths))
        second = max([cells for cells in widths if cells < widths[widest]], default=_NARROWEST)
        over = sum(widths) - room
        share = widths.count(widths[widest])
        cut = max(1, min(widths[widest] - max(second, _NARROWEST), -(-over // share)))
        widths[widest] -= min(cut, over)
    return widths


def _cells(content: Content) -> int:
    return max(line.cell_length for line in content.split("\n", allow_blank=True))


def _table_row(cells: list[Content], widths: list[int]) -> list[Row]:
    columns = [
        [row.content for row in wrapped(cells[index] if index < len(cells) else Content(""), cells_wide)]
        for index, cells_wide in enumerate(widths)
    ]
    gap = Content(" " * _GAP)
    rows = []
    for line in range(max(len(column) for column in columns)):
        pieces = []
        for column, cells_wide in zip(columns, widths, strict=True):
            piece = column[line] if line < len(column) else Content("")
            pieces.append(piece.pad_right(max(0, cells_wide - piece.cell_length)))
        rows.append(Row(gap.join(pieces).rstrip()))
    return rows


def _as_list(header: list[Content], body: list[list[Content]], width: int) -> list[Row]:
    rows: list[Row] = []
    for cells in body or [header]:
        for index, cell in enumerate(cells):
            name = header[index].plain if index < len(header) else ""
            prefix = Content.assemble((f"{name}: ", "bold")) if name and body else Content("")
            rows += wrapped(prefix + cell, max(1, width))
    return rows
