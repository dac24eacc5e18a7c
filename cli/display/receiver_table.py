"""The table of the receivers of an app's notifications."""

from collections.abc import Iterable

from rich.table import Table

from cli.client.generated.records import ShownReceiver, ShownTry
from cli.display.columns import cell, new_table
from cli.display.sentences import ago


def receivers(listed: Iterable[ShownReceiver], now: float) -> Table:
    """Return a row for each receiver, with its last answer."""
    table = new_table("NAME", "HOST", "EVENTS", "FORMAT", cut=("WAITING",), prose="LAST ANSWER")
    for one in listed:
        cells = [one["name"], one["host"], ",".join(one["events"] or ["all"]), one["format"]]
        table.add_row(*map(cell, [*cells, one["waiting"], _describe(one, now)]))
    return table


def describe_try(last: ShownTry) -> str:
    """Return what came of a try, as a sentence."""
    return last["problem"] or f"It was taken ({last['status']})."


def _describe(receiver: ShownReceiver, now: float) -> str:
    last, dropped = receiver["last"], receiver["dropped"]
    said = f"{ago(last['at'], now)}: {describe_try(last)}" if last else "none yet"
    return f"{said} {dropped} were dropped." if dropped else said
