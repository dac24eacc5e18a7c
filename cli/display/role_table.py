"""The table of people's roles."""

from collections.abc import Iterable

from rich.table import Table

from cli.client.generated.records import Role
from cli.display.columns import cell, new_table
from cli.display.sentences import ago


def roles(listed: Iterable[Role], now: float) -> Table:
    """Return a row for each role."""
    table = new_table("HOLDER", "NAME", "SCOPE", "APP", "GIVEN")
    for one in listed:
        kind = "group" if one["group"] else "person"
        cells = [kind, one["group"] or one["person"], one["scope"], one["app"] or "all"]
        table.add_row(*map(cell, [*cells, ago(one["created"], now)]))
    return table
