"""The table of docs/security.md is the one that is measured."""

from pathlib import Path

from tests.reach.expected import TABLE
from tests.reach.matrix import write_page

PAGE = Path(__file__).parents[3] / "docs" / "security.md"


def test_the_page_has_the_table_of_who_reaches_what() -> None:
    written = write_page(TABLE)
    head = written.partition("\n")[0]
    shown = f"{head}{PAGE.read_text(encoding='utf-8').partition(head)[2].partition(chr(10) * 2)[0]}"
    assert shown == written, "write what tests.reach.matrix.write_page returns into the page"
