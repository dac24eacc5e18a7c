"""The tables of previews that wait, and of pull requests."""

import io

from rich.console import Console
from rich.table import Table

from cli.client.generated.records import Pull, Queued, VariantAddress
from cli.display import tables


def write(table: Table) -> list[str]:
    """Return the lines of a table."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_queue_shows_place_preview_and_reason() -> None:
    waits: Queued = {
        "place": 2,
        "app": "hello",
        "sha": "a" * 40,
        "commit": "a" * 40,
        "label": "main",
        "reason": "No agent has 128 MB free; the most is 68.",
        "since": 940.0,
    }
    row = write(tables.queue([waits], 1000.0))[1]
    for part in ("2nd", "hello", "main", "aaaaaaa", "No agent has 128 MB free; the most is 68."):
        assert part in row


def test_pull_requests_have_a_column_for_stacks_once_one_is_in_a_stack() -> None:
    pull: Pull = {
        "number": 7,
        "title": "Sell",
        "author": "ada",
        "fork": False,
        "draft": False,
        "sha": "a" * 40,
        "base": "main",
        "label": "pr-7",
        "url": "http://pr-7.web.localhost/",
        "page": "http://git.example.org/web/pulls/7",
        "updated": 940.0,
        "gate": "trusted",
        "why": "",
        "approved_by": "",
        "approved_at": None,
        "delivered": "ready",
        "delivery_problem": "",
    }
    at: VariantAddress = {"stack": "shop", "variant": "cart", "url": "http://cart--shop.localhost/"}
    both: list[Pull] = [{**pull, "variants": [at]}, pull]
    assert "STACK" not in write(tables.pulls([pull]))[0]
    head, first, second = write(tables.pulls(both))
    assert head.split()[3:6] == ["ADDRESS", "STACK", "TOLD"]
    assert first.split()[4:6] == [at["url"], "ready"]
    assert second.split()[4] == "ready"
