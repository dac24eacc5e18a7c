"""The table of previews that wait."""

import io

from rich.console import Console

from cli.client.api_types import Queued
from cli.display import tables


def test_the_queue_shows_place_preview_and_reason() -> None:
    waits: Queued = {
        "place": 2,
        "app": "hello",
        "sha": "a" * 40,
        "label": "main",
        "reason": "No agent has 128 MB free; the most is 68.",
        "since": 940.0,
    }
    console = Console(file=io.StringIO(), width=200)
    console.print(tables.queue([waits], 1000.0))
    assert isinstance(console.file, io.StringIO)
    row = console.file.getvalue().splitlines()[1]
    for part in ("2nd", "hello", "main", "aaaaaaa", "No agent has 128 MB free; the most is 68."):
        assert part in row
