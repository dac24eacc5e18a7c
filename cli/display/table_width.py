"""Fits tables to terminals that are too narrow for them."""

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

_GAP = 2
_LEAST = 8  # columns: a shorter piece of a text has no use
_INDENT = "  "


def fit(table: Table, width: int) -> Sequence[Sequence[str]]:
    """Make a table no wider than `width`, as far as possible; return the lines below each row.

    If the last column is prose (it may fold) and does not fit, it moves to these lines. Columns
    with an ellipsis are cut or left out; others stay whole.
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
