"""The columns and cells of all tables."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from cli.display.terminal import one_line

_STYLES = {"running": "green", "failed": "red", "stopped": "dim", "draining": "dim"}


def new_table(*whole: str, cut: Sequence[str] = (), prose: str = "") -> Table:
    """Return a table. `table_width` cuts or leaves out `cut`, and moves `prose` under its row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in whole:
        table.add_column(column, no_wrap=True, overflow="ignore")
    for column in cut:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    if prose:
        table.add_column(prose, no_wrap=True, overflow="fold")
    return table


def cell(value: object) -> Text:
    """Return the content of a cell, safe to print and in one line."""
    return value if isinstance(value, Text) else Text(one_line(str(value)))


def state_cell(state: str) -> Text:
    """Return the state of a preview in its colour."""
    return Text(state, _STYLES.get(state, "yellow"))


def new_details(rows: Sequence[tuple[str, object]]) -> Table:
    """Return a table of names and values, one a row; what has no value is left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ignore")
    for name, value in rows:
        if str(value):
            table.add_row(name, cell(value))
    return table
