"""Tables on narrow terminals."""

import io
from typing import cast

import pytest
from rich.console import Console
from rich.table import Table

from cli.client.generated.records import Preview, Ref
from cli.display import tables
from cli.display.table_width import fit
from tests.fakes import answers as fake

REASON = "no agent has 2048 MB free; the most is 1536, and nothing that is idle makes room"


def lines(table: Table) -> list[str]:
    console = Console(file=io.StringIO(), width=1000)
    console.print(table)
    return [line.rstrip() for line in cast(io.StringIO, console.file).getvalue().splitlines()]


def listed() -> Table:
    queued = fake.preview(reason=REASON, queue_place=1, changed=0.0)
    return tables.previews([cast(Preview, queued), cast(Preview, fake.preview())], 100.0)


def test_a_table_that_fits_stays_as_it_is() -> None:
    table = listed()
    assert fit(table, 400) == []
    assert REASON in lines(table)[1]


def test_prose_that_does_not_fit_moves_below_its_row_and_addresses_stay_whole() -> None:
    table = listed()
    beneath = fit(table, 80)
    shown = lines(table)
    assert max(map(len, shown)) <= 80
    assert all("http://main.hello.localhost:8080/" in line for line in shown[1:])
    assert " ".join(beneath[0]).split() == f"1st in the queue: {REASON}".split()
    assert all(len(line) <= 80 and line.startswith("  ") for line in beneath[0])
    assert list(beneath[1]) == []


@pytest.mark.parametrize(
    ("width", "last"), [(200, "SUBJECT"), (90, "SUBJECT"), (80, "AGE"), (40, "ADDRESS")]
)
def test_texts_are_cut_and_then_left_out(width: int, last: str) -> None:
    ref = cast(Ref, fake.ref("main", subject="Say hello " * 6))
    table = tables.refs([ref], {}, 100.0)
    assert fit(table, width) == []
    header, row = lines(table)
    assert header.split()[-1] == last
    assert "http://main.hello.localhost:8080/" in row
    assert len(row) <= width or last == "ADDRESS"
    assert row.endswith("…") is (width == 90)
