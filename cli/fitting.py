"""Tables on terminals that are narrower than they are."""

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

_GAP = 2
_LEAST = 8  # columns: less of a text tells nothing
_INDENT = "  "


def fit(table: Table, width: int) -> Sequence[Sequence[str]]:
    """Have a table be no wider than `width`, as far as that can be; return what comes beneath.

    For each row of it those are the lines of its prose (a column that may fold), where that does
    not fit beside the rest. Columns with an ellipsis are cut or left out, others stay whole.
    """
    if _sum(table.columns) <= width:
        return []
    beneath: list[Sequence[str]] = []
    if table.columns[-1].overflow == "fold":
        prose = table.columns.pop()
        beneath = [_wrap(_plain(cell), width) for cell in prose.cells]
    left = width
    for number, column in enumerate(table.columns):
        gap = _GAP if number else 0
        wanted = _measure(column)
        if column.overflow == "ellipsis":
            if left - gap < min(wanted, _LEAST):
                del table.columns[number:]
                break
            column.max_width = min(wanted, left - gap)
        left -= gap + (column.max_width or wanted)
    return beneath


def _sum(columns: Sequence[Column]) -> int:
    return sum(map(_measure, columns)) + _GAP * (len(columns) - 1)


def _measure(column: Column) -> int:
    return max(cell_len(_plain(cell)) for cell in (column.header, *column.cells))


def _plain(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)


def _wrap(text: str, width: int) -> Sequence[str]:
    return textwrap.wrap(text, width, initial_indent=_INDENT, subsequent_indent=_INDENT)
